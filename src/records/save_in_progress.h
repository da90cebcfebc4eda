#pragma once

#include "../boundary/guard.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

struct OpenCustomer;

// The statement of a save that is being run.
enum class Step
{
    none,
    insert_comment,
    add_comment,
    adopt_comment,
    correct_comment,
    update_customer,
    lift_customer,
    erase_customer,
    erase_comments,
    delete_customer,
    restore_customer,
    restore_comments,
};

// What a statement of a save and the triggers that it fires tell each other.
struct SaveInProgress
{
    AttachedTable table;
    Key key;
    Step step;  // set before the statement, and back to none by the trigger that did its part

    std::string_view author;
    core::Timestamp based_on;
    core::Timestamp checked;       // the version that the row had when it was found fit to be saved
    std::optional<Datum> request;  // the digest of the save
    std::optional<core::Timestamp> reverts;
    std::optional<Datum> refused_request;  // the digest of the comment, when it is kept from a refused save

    // Where the comment is stored: set by its trigger, or known when it is adopted.
    std::optional<std::int64_t> comment_id;

    OpenCustomer *in_hand;  // the locked row, where the access path keeps it
    bool called_others;     // whether code of others, which may have changed the row, could run since then

    // The version of the update, set by its trigger.
    std::optional<core::Timestamp> version;

    // The head of the chain that a row is lifted above.
    std::optional<core::Timestamp> lifted_above;

    int trigger_depth;
    SaveInProgress *outer;
};

// The save whose statement of this kind fired the running trigger for this customer, or nullptr.
SaveInProgress *save_that_fired(const AttachedTable &table, const Key &key, Step step);

// The innermost save in progress. Only with_save_in_progress() sets it.
extern SaveInProgress *innermost_save;

// How many triggers are running.
int current_trigger_depth();

// Runs steps() with the save in progress, and no longer when it ends, by an error too.
template <typename Steps>
void
with_save_in_progress(SaveInProgress &save, Steps steps)
{
    save.outer = innermost_save;
    save.trigger_depth = current_trigger_depth();
    innermost_save = &save;
    PG_TRY();
    {
        guarded(steps);
    }
    PG_FINALLY();
    {
        innermost_save = save.outer;
    }
    PG_END_TRY();
}

}  // namespace crm
