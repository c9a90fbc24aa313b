import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import { reaction, steps, World, world } from '../helpers/world.js';

const reactions = fc.array(reaction, { maxLength: 30, size: 'max' });

describe('a fan-out with a catalog', () => {
  it('brings every session that lost nothing to exactly what the Origin holds', async () => {
    await fc.assert(
      fc.asyncProperty(world, steps, reactions, async (options, list, inside) => {
        const model = new World(options, inside);
        for (const step of list) await model.step(step);
        await model.drain();
      }),
      { numRuns: 400 },
    );
  });

  it('delivers to those who are behind what was committed up to `complete()`', async () => {
    await fc.assert(
      fc.asyncProperty(world, steps, reactions, async (options, list, inside) => {
        const model = new World(options, inside);
        for (const step of list) await model.step(step);
        await model.complete();
        await model.drain();
        model.expectOver();
      }),
      { numRuns: 200 },
    );
  });
});
