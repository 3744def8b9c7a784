const { CleanWebpackPlugin } = require('clean-webpack-plugin');
const HtmlWebpackPlugin = require('html-webpack-plugin');
const MiniCssExtractPlugin = require('mini-css-extract-plugin');
const OptimizeCSSAssetsPlugin = require('optimize-css-assets-webpack-plugin');
const TerserPlugin = require('terser-webpack-plugin');

module.exports = {
  entry: './src/index.js',
  module: {
    rules: [
      { test: /\.js$/, exclude: /node_modules/, use: 'babel-loader' },
      { test: /\.scss$/, use: [MiniCssExtractPlugin.loader, 'css-loader', 'postcss-loader', 'sass-loader'] },
      { test: /\.svg$/, use: { loader: 'url-loader', options: { limit: 4096 } } },
    ],
  },
  optimization: { minimizer: [new TerserPlugin(), new OptimizeCSSAssetsPlugin()] },
  plugins: [new CleanWebpackPlugin(), new HtmlWebpackPlugin(), new MiniCssExtractPlugin()],
};
