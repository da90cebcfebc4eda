#include "refused_saves.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../tables/statements.h"
#include "request_digest.h"

namespace crm {

namespace {

// A late repeat of what has ended since is no news; asked again from a later version, it waits again.
constexpr SqlStatement insert_kept{
    "INSERT INTO {refused_saves} AS r (customer_id, author, db_user, kept_at, refused_at, times, based_on, status, "
    "fields, comment_id, conflicts, request) VALUES ($1, $2, $3, $4, $4, 1, $5, $6, $7, $8, "
    "pg_catalog.jsonb_path_query_array($9, '$.conflicts[*].field'), $10) "
    "ON CONFLICT (customer_id, request) DO UPDATE SET refused_at = excluded.refused_at, "
    "times = r.times OPERATOR(pg_catalog.+) 1, conflicts = excluded.conflicts, "
    "based_on = CASE WHEN excluded.based_on OPERATOR(pg_catalog.>) r.based_on THEN excluded.based_on ELSE r.based_on END, "
    "comment_id = coalesce(excluded.comment_id, r.comment_id), "
    "ended_at = CASE WHEN excluded.based_on OPERATOR(pg_catalog.>) r.based_on THEN NULL ELSE r.ended_at END, "
    "ended_by = CASE WHEN excluded.based_on OPERATOR(pg_catalog.>) r.based_on THEN NULL ELSE r.ended_by END "
    "RETURNING r.id",
    As::owner, Part::refused_saves};

// Each value that is kept is one of the save's.
constexpr SqlStatement end_included{
    "UPDATE {refused_saves} r SET ended_at = $5, ended_by = 'save' WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND author COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $2 AND ended_at IS NULL "
    "AND (status IS NULL OR status COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $3) "
    "AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_each(r.fields) f "
    "WHERE ($4 OPERATOR(pg_catalog.->) f.key) IS NULL "
    "OR ($4 OPERATOR(pg_catalog.->) f.key) OPERATOR(pg_catalog.<>) f.value)",
    As::owner, Part::refused_saves};

constexpr SqlStatement select_kept{
    "SELECT customer_id::pg_catalog.text, author, status, fields, ended_at IS NULL FROM {refused_saves} "
    "WHERE id OPERATOR(pg_catalog.=) $1",
    As::reader, Part::refused_saves};

constexpr SqlStatement lock_waiting{
    "SELECT FROM {refused_saves} WHERE id OPERATOR(pg_catalog.=) $1 AND ended_at IS NULL FOR NO KEY UPDATE", As::owner,
    Part::refused_saves};

constexpr SqlStatement update_ended{"UPDATE {refused_saves} SET ended_at = $2, ended_by = $3 "
                                    "WHERE id OPERATOR(pg_catalog.=) $1 AND ended_at IS NULL",
                                    As::owner, Part::refused_saves};

void
add_fields(Arguments &arguments, std::optional<Datum> fields)
{
    if (fields)
        arguments.add(JSONBOID, *fields);
    else
        arguments.add_null(JSONBOID);
}

Arguments
arguments_of(std::int64_t id)
{
    Arguments arguments;
    arguments.add(std::optional{id});
    return arguments;
}

}  // namespace

std::int64_t
keep_refused_save(const AttachedTable &table, const Key &key, const AskedSave &save, Datum detail,
                  std::optional<std::int64_t> comment_id)
{
    Arguments arguments = crm::arguments_of(key);
    arguments.add(save.request.author);
    arguments.add(std::string_view{GetUserNameFromId(GetSessionUserId(), false)});
    arguments.add(clock_now());
    arguments.add(save.request.base);
    arguments.add(save.request.status);
    add_fields(arguments, save.fields);
    arguments.add(comment_id);
    arguments.add(JSONBOID, detail);
    arguments.add(UUIDOID, request_digest(key, save.request));
    if (const std::uint64_t rows = execute(table, insert_kept, arguments); rows != 1)
        errors::write_suppressed(table->refused_saves.oid, key_text(key));
    return result_bigint(0, 0);
}

void
end_included_saves(const AttachedTable &table, const Key &key, const AskedSave &save)
{
    Arguments arguments = crm::arguments_of(key);
    arguments.add(save.request.author);
    arguments.add(save.request.status);
    add_fields(arguments, save.fields);
    arguments.add(clock_now());
    execute(table, end_included, arguments);
}

std::optional<RefusedSave>
find_refused_save(const AttachedTable &table, std::int64_t id)
{
    if (const std::uint64_t rows = execute(table, select_kept, arguments_of(id)); rows == 0)
        return std::nullopt;
    return RefusedSave{.key = key_of_text(table, result_text(0, 0)),
                       .author = result_text(0, 1),
                       .status = result_optional(result_text, 0, 2),
                       .fields = result_is_null(0, 3) ? std::nullopt : std::optional{result_datum(0, 3, JSONBOID)},
                       .waits = result_boolean(0, 4)};
}

bool
lock_refused_save(const AttachedTable &table, std::int64_t id)
{
    return execute(table, lock_waiting, arguments_of(id)) > 0;
}

bool
end_refused_save(const AttachedTable &table, std::int64_t id, End end)
{
    Arguments arguments = arguments_of(id);
    arguments.add(clock_now());
    arguments.add(std::string_view{end == End::discard ? "discard" : "resolution"});
    const std::uint64_t rows = execute(table, update_ended, arguments);
    return rows > 0;
}

void
require_refused_saves(const AttachedTable &table)
{
    if (!table->has(Part::refused_saves))
        errors::missing_later_part(table->customers.oid, "refused saves");
    require_numbers(table->refused_saves.oid);
}

}  // namespace crm
