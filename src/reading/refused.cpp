#include "reading.h"

#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../records/refused_saves.h"
#include "../saving/access_path.h"
#include "../tables/statements.h"

namespace crm {

namespace {

// $1: of this author. {of_key}: where it is of one customer alone, whose key is $2.
constexpr SqlStatement select_waiting{
    "SELECT id, customer_id::pg_catalog.text, author, db_user::pg_catalog.name, kept_at, refused_at, times, based_on, "
    "status, fields, comment_id, conflicts FROM {refused_saves} WHERE ended_at IS NULL "
    "AND ($1 IS NULL OR author COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $1) "
    "{of_key} ORDER BY refused_at DESC, id DESC",
    As::reader, Part::refused_saves};
constexpr SqlStatement select_waiting_of_key = select_waiting;

constexpr SqlStatement select_counts{
    "SELECT kind, name, pg_catalog.sum(times)::pg_catalog.int8, "
    "pg_catalog.count(*) FILTER (WHERE ended_at IS NULL) FROM {refused_saves} r, LATERAL ("
    "SELECT 'field' AS kind, f AS name FROM pg_catalog.jsonb_array_elements_text(r.conflicts) f "
    "UNION ALL VALUES ('customer', r.customer_id::pg_catalog.text), ('author', r.author)) n "
    "GROUP BY kind, name ORDER BY kind, 3 DESC, name",
    As::reader, Part::refused_saves};

constexpr int key_column = 1;
constexpr int fields_column = 9;

// Those of the fields whose columns the caller may read; empty when there are none.
std::optional<Datum>
readable_fields(const AttachedTable &table, Datum fields)
{
    JsonbContainer *object = &DatumGetJsonbP(fields)->root;
    JsonBuilder json;
    bool is_any = false;
    json.open_object();
    each_key(object, [&](const char *name) {
        const AttrNumber column = get_attnum(table->customers.oid, name);
        if (column <= 0 || !has_column_right(table->customers.oid, column, ACL_SELECT))
            return;
        JsonbValue value;
        getKeyJsonValueFromContainer(object, name, static_cast<int>(std::strlen(name)), &value);
        json.key(name);
        json.add(value);
        is_any = true;
    });
    json.close_object();
    return is_any ? std::optional{json.finish()} : std::nullopt;
}

std::uint64_t
read_waiting(const AttachedTable &table, std::optional<std::string_view> author, const std::optional<Key> &key)
{
    Arguments arguments;
    arguments.add(author);
    if (key)
        arguments.add(key->type, key->value);
    const SqlStatement &statement = key ? select_waiting_of_key : select_waiting;
    const auto build = [&] {
        return sql(table, statement.text, {{"of_key", key ? sql("AND customer_id OPERATOR(pg_catalog.=) $2") : Sql{}}});
    };
    return run_as(table, statement.as, statement.part,
                  [&] { return execute(table->plan(&statement), build, arguments); });
}

}  // namespace

void
list_refused(const AttachedTable &table, std::optional<std::string_view> author, const std::optional<Key> &key,
             const RowSet &rows)
{
    require_may_read(table);
    require_refused_saves(table);
    const std::uint64_t count = read_waiting(table, author, key);
    // What is read of the customers takes the place of the latest result.
    const SPITupleTable *found = SPI_tuptable;
    for (std::uint64_t i = 0; i < count; i++)
    {
        Datum values[MaxTupleAttributeNumber];
        bool nulls[MaxTupleAttributeNumber];
        heap_deform_tuple(found->vals[i], found->tupdesc, values, nulls);
        if (!access_path(table).fetch(table, key_of_text(table, text_of(values[key_column]))))
            continue;
        if (!nulls[fields_column])
        {
            const std::optional<Datum> readable = readable_fields(table, values[fields_column]);
            nulls[fields_column] = !readable;
            values[fields_column] = readable.value_or(static_cast<Datum>(0));
        }
        rows.add(heap_form_tuple(rows.columns, values, nulls));
    }
}

void
count_refused(const AttachedTable &table, const RowSet &rows)
{
    require_may_read(table);
    require_refused_saves(table);
    require_all_rows(table->customers.oid);
    const std::uint64_t count = execute(table, select_counts, Arguments{});
    for (std::uint64_t i = 0; i < count; i++)
    {
        Datum values[MaxTupleAttributeNumber];
        bool nulls[MaxTupleAttributeNumber];
        heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
        rows.add(heap_form_tuple(rows.columns, values, nulls));
    }
}

}  // namespace crm
