// libpqxx: the application writes its own SQL. What it is told is in remote.py.

#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <pqxx/pqxx>

namespace {

using nlohmann::json;
using Text = std::optional<std::string>;

class Thrown : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

Text
text_of(const json &value)
{
    return value.is_null() ? Text() : value.get<std::string>();
}

// null binds a NULL
const char *
bound(const Text &text)
{
    return text ? text->c_str() : nullptr;
}

json
shown(const pqxx::row &row)
{
    json object = json::object();
    for (const auto &field : row)
        object[field.name()] = field.is_null() ? json() : json(field.as<std::string>());
    return object;
}

class Client
{
public:
    explicit Client(pqxx::connection &connection) : connection_(connection) {}

    json read(const json &told)
    {
        pqxx::nontransaction transaction(connection_);
        return keep(transaction.exec_params("SELECT * FROM customers WHERE id = $1", told["id"].get<long>())[0]);
    }

    json save(const json &told)
    {
        const json &model = kept_[told["kept"].get<std::size_t>()];
        json values = {{"status", model["status"]}, {"phone", model["phone"]}};
        values.update(told["changes"]);
        pqxx::nontransaction transaction(connection_);
        const Text status = text_of(values["status"]);
        const Text phone = text_of(values["phone"]);
        const pqxx::result saved = transaction.exec_params(
            "UPDATE customers SET status = $3, phone = $4, lock_version = lock_version + 1 "
            "WHERE id = $1 AND lock_version = $2 RETURNING *",
            model["id"].get<std::string>(), model["lock_version"].get<int>(), bound(status), bound(phone));
        if (saved.empty())
            return {{"error", "Stale"}};
        return keep(saved[0]);
    }

    void insert_many(const json &told)
    {
        pqxx::work transaction(connection_);
        for (const json &row : told["rows"])
            transaction.exec_params("INSERT INTO customers (name, status) VALUES ($1, $2)",
                                    row["name"].get<std::string>(), row["status"].get<std::string>());
        transaction.commit();
    }

    void update_many(const json &told)
    {
        pqxx::work transaction(connection_);
        for (const json &id : told["ids"])
            transaction.exec_params("UPDATE customers SET status = $2 WHERE id = $1", id.get<long>(),
                                    told["status"].get<std::string>());
        transaction.commit();
    }

    void upsert(const json &told)
    {
        pqxx::work transaction(connection_);
        transaction.exec_params("INSERT INTO customers (name, status) VALUES ($1, $2) "
                                "ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status",
                                told["row"]["name"].get<std::string>(), told["row"]["status"].get<std::string>());
        transaction.commit();
    }

    json call(const json &told, pqxx::transaction_base *transaction)
    {
        const json &values = told["values"];
        const std::string seen = values[1].is_number()
                                     ? kept_[values[1].get<std::size_t>()]["updated_at"].get<std::string>()
                                     : values[1].get<std::string>();
        if (transaction)
            return keep(call(*transaction, values, seen));
        pqxx::nontransaction alone(connection_);
        return keep(call(alone, values, seen));
    }

    // region transaction
    void transaction(const std::function<void(pqxx::work &)> &callback)
    {
        pqxx::work transaction(connection_);  // rolls back where the callback throws
        callback(transaction);
        transaction.commit();  // whatever the outcome is: it keeps the comment of a refused save
    }
    // endregion

private:
    static pqxx::row call(pqxx::transaction_base &transaction, const json &values, const std::string &seen)
    {
        const long id = values[0].get<long>();
        const Text status = text_of(values[2]);
        const Text comment = text_of(values[3]);
        const Text author = text_of(values[4]);
        // region save
        // seen: updated_at as a text, as it was read; a null pointer for no status, no comment
        return transaction.exec_params("SELECT * FROM crm_update_customer($1, $2, $3, $4, $5)", id, seen, bound(status),
                                       bound(comment), bound(author))[0];
        // endregion
    }

    json keep(const pqxx::row &row)
    {
        json model = shown(row);
        model["kept"] = kept_.size();
        for (const char *number : {"lock_version", "http_status"})
            if (model.contains(number))
                model[number] = std::stoi(model[number].get<std::string>());
        kept_.push_back(model);
        return model;
    }

    pqxx::connection &connection_;
    std::vector<json> kept_;
};

void
answer(const json &object)
{
    std::cout << object << std::endl;  // NOLINT(performance-avoid-endl): it is waited for
}

void run(Client &client, pqxx::transaction_base *transaction);

json
obey(Client &client, const json &told, pqxx::transaction_base *transaction)
{
    const std::string what = told["do"];
    if (what == "read")
        return client.read(told);
    if (what == "save")
        return client.save(told);
    if (what == "call")
        return client.call(told, transaction);
    if (what == "insert_many")
        client.insert_many(told);
    else if (what == "update_many")
        client.update_many(told);
    else if (what == "upsert")
        client.upsert(told);
    else if (what == "transaction")
        client.transaction([&client](pqxx::work &inside) {
            answer(json::object());
            run(client, &inside);
        });
    else
        throw std::runtime_error("told " + what);
    return json::object();
}

// Until the end of the input, or of the transaction that it is in.
void
run(Client &client, pqxx::transaction_base *transaction)
{
    for (std::string line; std::getline(std::cin, line);)
    {
        const json told = json::parse(line);
        if (told["do"] == "return")
            return;
        if (told["do"] == "throw")
            throw Thrown("Thrown");
        json answered;
        try
        {
            answered = obey(client, told, transaction);
        }
        catch (const std::exception &e)
        {
            answered = {{"error", e.what()}};
        }
        answer(answered);
    }
}

}  // namespace

int
main()
try
{
    pqxx::connection connection{""};
    Client client(connection);
    run(client, nullptr);
    return 0;
}
catch (const std::exception &e)
{
    std::cerr << e.what() << '\n';
    return 1;
}
