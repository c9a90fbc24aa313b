import { Logger as TsLogger } from 'tslog';
import { methodOption } from './options.js';
import { reportUnhandled } from './unhandled.js';

/**
 * Where the library writes its log lines; a tslog `Logger` is one, and so is `console`.
 * Called with a message and, mostly, an object of facts. What it throws goes to `config.onUnhandledError`.
 */
export interface Logger {
  debug: (message: string, context?: object) => void;
  info: (message: string, context?: object) => void;
  warn: (message: string, context?: object) => void;
  error: (message: string, context?: object) => void;
}

/** Below its level tslog is not asked: every registration and every end come by. */
const ignore = (): void => undefined;

/** tslog at `warn` and above. Its call sites would all name this file, so capturing them is off. */
function defaultLogger(): Logger {
  const tslog = new TsLogger({ name: 'ddl-fanout', minLevel: 'WARN', stack: { capture: 'off' } });
  return {
    debug: ignore,
    info: ignore,
    warn: (...line) => tslog.warn(...line),
    error: (...line) => tslog.error(...line),
  };
}

/**
 * Wraps a logger so that a throw of its own goes to the unhandled hook instead of into a stream.
 * @param logger default: tslog at `warn` and above
 * @throws {FanoutError} BAD_OPTION for what is no object, and when one of the four methods is missing
 */
export function safeLogger(logger: Logger = defaultLogger()): Logger {
  const guard = (level: keyof Logger) => {
    methodOption('logger', logger, level);
    return (message: string, context?: object): void => {
      // `guarded`, written out: every registration and every end come by, and its closure is garbage each time.
      try {
        if (context === undefined) logger[level](message);
        else logger[level](message, context);
      } catch (error) {
        reportUnhandled(error);
      }
    };
  };
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') };
}
