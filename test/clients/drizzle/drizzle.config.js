// region tool
// schemaFilter is "public" unless told otherwise, which leaves the schema crm alone
export default {
  dialect: 'postgresql',
  schema: './drizzle/schema.js',
  dbCredentials: { url: process.env.DATABASE_URL },
};
// endregion
