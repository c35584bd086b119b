'use strict'

const js = require('@eslint/js')

const node = Object.fromEntries(
  [
    'AbortController',
    'Buffer',
    'BigInt64Array',
    'Int32Array',
    'SharedArrayBuffer',
    'Atomics',
    'clearImmediate',
    'clearInterval',
    'clearTimeout',
    'console',
    'performance',
    'process',
    'queueMicrotask',
    'setImmediate',
    'setInterval',
    'setTimeout',
    'structuredClone',
    'URL',
    'fetch'
  ].map(name => [name, 'readonly'])
)
const commonjs = {
  require: 'readonly',
  module: 'writable',
  exports: 'writable',
  __dirname: 'readonly',
  __filename: 'readonly'
}
const jest = Object.fromEntries(
  [
    'afterAll',
    'afterEach',
    'beforeAll',
    'beforeEach',
    'describe',
    'expect',
    'it',
    'jest',
    'test'
  ].map(name => [name, 'readonly'])
)

module.exports = [
  { ignores: ['target/', 'docs/api/', 'src/binding/', '**/*.d.ts', '__test__/types/**/*.ts'] },
  js.configs.recommended,
  {
    files: ['**/*.js'],
    languageOptions: { sourceType: 'commonjs', globals: { ...node, ...commonjs } },
    rules: {
      'array-callback-return': 'error',
      curly: ['error', 'multi-line'],
      'dot-notation': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-duplicate-imports': 'error',
      'no-shadow': 'error',
      'no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }
      ],
      'no-var': 'error',
      'object-shorthand': ['error', 'properties'],
      'prefer-const': 'error'
    }
  },
  { files: ['**/*.mjs'], languageOptions: { sourceType: 'module', globals: node } },
  { files: ['__test__/**/*.js'], languageOptions: { globals: jest } }
]
