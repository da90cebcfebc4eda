# What the programs of Ruby share: they do what remote.py tells them. A client has the methods that it names, and
# values(model), a hash of what the library read.
require 'json'
require 'time'

class Thrown < StandardError; end

class Program
  def initialize(client)
    @client = client
    @kept = []
    # what a library prints is no answer
    @answers = $stdout.dup
    $stdout.reopen($stderr)
  end

  # Until the end of the input, or of the transaction that it is in.
  def run(transaction = nil)
    while (line = $stdin.gets)
      told = JSON.parse(line, symbolize_names: true)
      case told[:do]
      when 'return' then return
      when 'throw' then raise Thrown, 'told to'
      end
      begin
        answer(obey(told, transaction))
      rescue StandardError => e
        answer({ error: e.class.name, message: e.message })
      end
    end
  end

  private

  def obey(told, transaction)
    case (what = told.delete(:do))
    when 'read' then keep(@client.read(told[:id]))
    when 'save'
      model = @kept[told[:kept]].first
      @client.save(model, told[:changes])
      keep(model)
    when 'insert_many' then done { @client.insert_many(told[:rows]) }
    when 'update_many' then done { @client.update_many(told[:ids], told[:status]) }
    when 'upsert' then done { @client.upsert(told[:row]) }
    when 'call'
      id, seen, *others = told[:values]
      seen = @kept[seen].last if seen.is_a?(Integer)
      keep(@client.call([id, seen, *others], transaction))
    when 'transaction'
      done do
        @client.transaction do |inside|
          answer({})
          run(inside)
        end
      end
    when 'schema_tool' then done { @client.schema_tool }
    when 'reset' then done { @client.reset }
    else @client.public_send(what, **told)
    end
  end

  def done
    yield
    {}
  end

  def keep(model)
    values = @client.values(model).transform_keys(&:to_sym)
    version = values[:updated_at]
    @kept << [model, version]
    { **values, updated_at: version.is_a?(Time) ? version.iso8601(6) : version, kept: @kept.size - 1 }
  end

  def answer(object)
    @answers.puts JSON.generate(object)
    @answers.flush
  end
end
