import js from '@eslint/js'
import globals from 'globals'
import hooks from 'eslint-plugin-react-hooks'
import tseslint from 'typescript-eslint'
export default tseslint.config({ignores:['dist']},{files:['src/**/*.{ts,tsx}'],extends:[js.configs.recommended,...tseslint.configs.recommended],languageOptions:{globals:globals.browser},plugins:{'react-hooks':hooks},rules:hooks.configs.recommended.rules})
