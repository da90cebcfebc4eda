#include "saving.h"

#include "../boundary/errors.h"
#include "../boundary/identity.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../boundary/snapshot.h"
#include "../boundary/statistics.h"
#include "../records/refused_saves.h"
#include "attempt.h"

namespace crm {

namespace {

[[noreturn]] void
bad_choice(const char *message)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message), errdetail("Nothing was saved."),
                    errhint("Choose \"mine\" or \"theirs\" for each of its fields, as in {\"status\": \"mine\"}.")));
}

// Whether the value of the refused save is chosen for a field, and not what is there.
bool
is_mine(JsonbContainer *choice, const char *name)
{
    JsonbValue value;
    if (getKeyJsonValueFromContainer(choice, name, static_cast<int>(std::strlen(name)), &value) == nullptr)
        bad_choice(psprintf("choose does not name \"%s\"", name));
    const std::string_view chosen =
        value.type == jbvString ? std::string_view{value.val.string.val, static_cast<std::size_t>(value.val.string.len)}
                                : std::string_view{};
    if (chosen != "mine" && chosen != "theirs")
        bad_choice(psprintf("the choice for \"%s\" must be mine or theirs", name));
    return chosen == "mine";
}

// What is chosen of a refused save, every field of which is to be named, and no other.
struct Chosen
{
    std::optional<std::string_view> status = std::nullopt;
    std::optional<Datum> fields = std::nullopt;
};

Chosen
chosen_of(const AttachedTable &table, const RefusedSave &refused, Datum choice)
{
    Jsonb *object = DatumGetJsonbP(choice);
    if (!JB_ROOT_IS_OBJECT(object))
        bad_choice("choose must be a JSON object");
    const char *status =
        table->customers.has_status() ? get_attname(table->customers.oid, table->customers.status, false) : nullptr;
    JsonbContainer *asked = refused.fields ? &DatumGetJsonbP(*refused.fields)->root : nullptr;
    each_key(&object->root, [&](const char *name) {
        JsonbValue value;
        const bool is_status = refused.status && std::strcmp(name, status) == 0;
        if (!is_status &&
            (asked == nullptr ||
             getKeyJsonValueFromContainer(asked, name, static_cast<int>(std::strlen(name)), &value) == nullptr))
            bad_choice(psprintf("the refused save did not ask for \"%s\"", name));
    });

    Chosen chosen;
    if (refused.status && is_mine(&object->root, status))
        chosen.status = refused.status;
    if (asked == nullptr)
        return chosen;
    JsonBuilder fields;
    fields.open_object();
    bool is_any = false;
    each_key(asked, [&](const char *name) {
        if (!is_mine(&object->root, name))
            return;
        JsonbValue value;
        getKeyJsonValueFromContainer(asked, name, static_cast<int>(std::strlen(name)), &value);
        fields.key(name);
        fields.add(value);
        is_any = true;
    });
    fields.close_object();
    if (is_any)
        chosen.fields = fields.finish();
    return chosen;
}

// Where an identity is set, one's own refused saves only, unless the role owns them.
void
require_own(const AttachedTable &table, const RefusedSave &refused)
{
    if (!has_identity_source() || caller_owns(table->refused_saves.oid))
        return;
    if (const std::string_view identity = require_identity(); refused.author != identity)
        errors::other_author(refused.author, identity);
}

SaveResult
without_save(core::Outcome outcome, std::string_view message)
{
    SaveResult result = {};
    result.outcome = outcome;
    result.message = message;
    statistics::count(outcome);
    return result;
}

SaveResult
no_such_save()
{
    return without_save(core::Outcome::not_found, "There is no such refused save; nothing was saved.");
}

// Locks the customer, as the save does, and after it the refused save, which somebody else may be about to end; false where
// that has ended. What is refused at first look waits for nobody.
bool
lock_to_resolve(const Attempt &save, std::int64_t refused_id)
{
    require_save_rights(save.table, save.request);
    const std::optional<CustomerRow> seen = save.path().fetch(save.table, save.key);
    if (!seen || is_settled(save, *seen))
        return true;
    // Before the row is locked, so that who waits for the comment seldom holds the row.
    if (save.request.comment)
        await_kept_comment(save.table, save.key, save.request);
    save.path().lock(save.table, save.key, save.fields, *seen);
    return lock_refused_save(save.table, refused_id);
}

}  // namespace

SaveResult
resolve_refused(const AttachedTable &table, const Resolution &resolution)
{
    require_refused_saves(table);
    const std::optional<RefusedSave> refused = find_refused_save(table, resolution.refused_id);
    if (!refused)
        return no_such_save();
    require_own(table, *refused);

    const Chosen chosen = chosen_of(table, *refused, resolution.choice);
    core::Request request = {};
    request.base = resolution.base;
    request.status = chosen.status;
    request.comment = resolution.comment;
    request.author = resolution.author.value_or(refused->author);
    request.intent = core::Intent::resolution;
    core::Request asked = request;
    const Attempt save = {table, refused->key, asked, prepare(table, asked, chosen.fields)};
    if (!refused->waits || !lock_to_resolve(save, resolution.refused_id))
    {
        // Sent again, it is answered as it was.
        if (const std::optional<AppliedRequest> applied = changes_since(save, new_snapshot()).applied)
        {
            const SaveResult result = replayed(save, *applied, save.path().fetch(table, refused->key));
            statistics::count(result.outcome);
            return result;
        }
        // Who was waited for may have erased it.
        if (!find_refused_save(table, resolution.refused_id))
            return no_such_save();
        return without_save(core::Outcome::gone,
                            "The refused save was saved, resolved or discarded before; nothing was saved.");
    }
    const SaveResult result = save_customer(table, refused->key, request, chosen.fields);
    if (!core::is_refusal(result.outcome))
        end_refused_save(table, resolution.refused_id, End::resolution);
    return result;
}

bool
discard_refused(const AttachedTable &table, std::int64_t refused_id)
{
    require_refused_saves(table);
    const std::optional<RefusedSave> refused = find_refused_save(table, refused_id);
    if (!refused)
        return false;
    require_own(table, *refused);
    if (is_under_row_security(table->customers.oid) && !access_path(table).fetch(table, refused->key))
        return false;
    return end_refused_save(table, refused_id, End::discard);
}

}  // namespace crm
