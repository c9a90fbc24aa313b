/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/spec'],
  // Many specs wait for servers; jest's own choice on two cores is one worker.
  maxWorkers: 2,
  // No spec asserts a time: this one only ends what hangs, on a machine however busy.
  testTimeout: 60_000,
  testMatch: ['**/*.spec.ts'],
  reporters: ['default', '<rootDir>/spec/helpers/leftOutReporter.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^ddl-fanout$': '<rootDir>/lib/index.ts',
    '^ddl-fanout/(.*)$': '<rootDir>/lib/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false }] },
  collectCoverageFrom: ['lib/**/*.ts', '!lib/**/index.ts'],
  coverageThreshold: { global: { branches: 95 } },
};

export default config;
