# ActiveRecord: lock_version is its optimistic lock by its name alone.
require 'active_record'
require 'tempfile'
require_relative 'program'

# region config
# database.yml
CONFIG = {
  adapter: 'postgresql', schema_search_path: 'public, crm',
  host: ENV['PGHOST'], port: ENV['PGPORT'], username: ENV['PGUSER'], password: ENV['PGPASSWORD'], database: ENV['PGDATABASE']
}.freeze
# config.active_record.schema_format = :sql, and config.active_record.dump_schemas = :all: the schemas of the search path alone
# are dumped without the extension
ActiveRecord::Base.dump_schemas = :all
# endregion
LOADED = { **CONFIG, database: "#{ENV['PGDATABASE']}_loaded" }.freeze

ActiveRecord::Base.establish_connection(CONFIG)
SAVE = 'SELECT * FROM crm_update_customer($1, $2, $3, $4, $5)'

# region model
# attached with also_bump => '{lock_version}'
class Customer < ActiveRecord::Base
end
# endregion

class Client
  def read(id) = Customer.find(id)

  def values(model) = model.respond_to?(:attributes) ? model.attributes : model

  # region reload
  def save(customer, changes)
    customer.update!(changes)
    customer.reload # the version that was stored, which may be another than Rails made
  end
  # endregion

  def insert_many(rows) = Customer.insert_all!(rows.map { |row| { **row, updated_at: Time.current } })

  def update_many(ids, status) = Customer.where(id: ids).update_all(status: status)

  def upsert(row) = Customer.upsert({ **row, updated_at: Time.current }, unique_by: :name)

  # region save
  # values: [id, updated_at as it was read, status, comment, author]
  def call(values, _transaction)
    Customer.connection.select_one(SAVE, 'save', values) # detail is text
  end
  # endregion

  # region transaction
  # commits at the end of the block, also a refused save; rolls back when it raises
  def transaction
    Customer.transaction { yield }
  end
  # endregion

  # What db:structure:dump, db:create and db:structure:load do.
  def schema_tool
    tasks = ActiveRecord::Tasks::DatabaseTasks
    Tempfile.create('structure') do |structure|
      tasks.structure_dump(CONFIG, structure.path)
      tasks.create(LOADED)
      tasks.structure_load(LOADED, structure.path)
    end
    ActiveRecord::Base.establish_connection(LOADED)
    # region structure
    # after db:structure:load: which tables are attached is data, which structure.sql does not have
    Customer.connection.execute("SELECT crm_attach('customers', companions_schema => 'crm', also_bump => '{lock_version}')")
    # endregion
  ensure
    ActiveRecord::Base.establish_connection(CONFIG)
  end

  # db:truncate_all, which knows the tables that the search_path finds
  def reset = Customer.connection.truncate_tables(*Customer.connection.tables)

  # what db:schema:dump writes into schema.rb
  def schema_rb
    written = StringIO.new
    ActiveRecord::SchemaDumper.dump(Customer.connection, written)
    { written: written.string }
  end
end

Program.new(Client.new).run
