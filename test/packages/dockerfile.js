// The instructions of a Dockerfile. As a program it prints them, a line each: the number of the stage, keyword, words.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { DockerfileParser } from 'dockerfile-ast';

export const instructions = (content) => {
  let stage = -1;
  return DockerfileParser.parse(content).getInstructions().map((instruction) => {
    const keyword = instruction.getKeyword();
    if (keyword === 'FROM') stage += 1;
    const flags = (instruction.getFlags?.() ?? []).map(String);
    const words = instruction.getRawArgumentsContent().replace(/\\\n\s*/g, '');
    return { stage, keyword, flags, words };
  });
};

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const { stage, keyword, flags, words } of instructions(readFileSync(process.argv[2], 'utf8'))) {
    console.log([stage, keyword, [...flags, words].join(' ')].join('\t'));
  }
}
