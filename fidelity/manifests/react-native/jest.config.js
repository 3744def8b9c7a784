module.exports = {
  preset: 'react-native',
  // The preset's own pattern does not know of packages in folders of node_modules/.pantry.
  transformIgnorePatterns: [
    'node_modules/(?!(\\.pantry/[^/]+/node_modules/)?((jest-)?react-native|@react-native(-community)?)/)',
  ],
};
