// Prisma's schema tools, in JavaScript as its client is.
import { PrismaPg } from '@prisma/adapter-pg';
import { defineConfig } from 'prisma/config';

// The adapter refuses columns of types that only the catalogue has: "char" and name are read as text, oid as bigint.
class Adapter extends PrismaPg {
  async connect() {
    const connection = await super.connect();
    const performIO = connection.performIO.bind(connection);
    connection.performIO = async (query) => {
      const result = await performIO(query);
      const types = { 18: 25, 19: 25, 26: 20, 1002: 1009, 1003: 1009 };
      for (const field of result.fields) field.dataTypeID = types[field.dataTypeID] ?? field.dataTypeID;
      return result;
    };
    return connection;
  }
}

// The engine leaves a timer of a minute behind, which would keep the tool from ending.
const { setTimeout } = globalThis;
globalThis.setTimeout = (callback, delay, ...rest) => {
  const timer = setTimeout(callback, delay, ...rest);
  return delay === 60_000 ? timer.unref() : timer;
};

export default defineConfig({
  schema: 'schema.prisma',
  experimental: { adapter: true },
  engine: 'js',
  adapter: async () => new Adapter({ connectionString: process.env.DATABASE_URL, idleTimeoutMillis: 1 }),
});
