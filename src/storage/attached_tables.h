#pragma once

#include "../boundary/pg.h"
#include "../boundary/simple_write.h"
#include "../core/timestamp.h"

// The attached tables, read from the registry once per session and again after anything about them changed.
namespace crm {

// The statements whose plans are kept for an attached table.
enum class Statement
{
    look,
    lock_at_once,
    lock,
    lock_key_at_once,
    lock_key,
    lock_for_reference,
    check_reference,
    set_status,
    touch,
    lift,
    insert_comment,
    insert_reply,
    comment_exists,
    read_customer,
    customer_exists,
    find_lock,
    write_lock,
    remove_lock,
    list_locks,
    find_kept_comments,
    find_added_comment,
    all_comments,
    latest_comments,
    count_comments,
    timeline,
    timeline_of_changes,
    timeline_of_comments,
    threads,
    changes_after,
    prune_history,
    find_comment_of_base,
    import_comments,
    adopt_comment,
    list_comments,
    chain_head,
    insert_history,
    is_base_used,
    oldest_change,
    changes_since,
    is_followed,
    version_before,
    forget_inserted,
    list_changes,
    nearby_versions,
    count,
};

// An index through which rows are looked up by the values of its first columns; index is InvalidOid where none serves.
struct LookupIndex
{
    Oid index;
    ScanKeyData keys[2];  // their arguments are set for each lookup
};

// A customers table with its comments, history and edit locks. Plain data of the session's cache; valid until the transaction ends.
struct AttachedTable
{
    Oid customers;
    Oid comments;
    Oid history;
    Oid locks;
    Oid schema;
    core::Timestamp attached_at;
    const char *comments_column;  // of the customers table, with comments in the older text form; or nullptr
    bool refuses_plain_updates;   // of the status

    // The rest is filled in when the table is first used.
    bool is_described;

    Oid customers_owner;
    Oid comments_owner;
    Oid history_owner;
    Oid locks_owner;

    // Where names are looked for while the table is written with its owner's rights.
    const char *customers_path;
    const char *comments_path;
    const char *history_path;
    const char *locks_path;

    // Qualified and quoted, for statements.
    const char *customers_sql;
    const char *comments_sql;
    const char *history_sql;
    const char *locks_sql;
    const char *key_sql;
    const char *status_sql;
    const char *version_sql;

    // Columns of the customers table.
    AttrNumber key;
    AttrNumber status;
    AttrNumber version;

    Oid key_type;         // as keys are passed: bigint, uuid or text
    Oid key_column_type;  // the base type of the column
    Oid status_type;
    std::int32_t status_typmod;

    // Columns of the comments table.
    AttrNumber comment_customer;
    AttrNumber comment_id;
    AttrNumber comment_author;
    AttrNumber comment_body;
    AttrNumber comment_created_at;
    AttrNumber comment_reply_to;
    AttrNumber comment_based_on;
    AttrNumber comment_save_refused;
    AttrNumber comment_refused_request;
    AttrNumber comment_adopted_version;
    AttrNumber comment_expected_ts;

    // What the direct access path needs, and whether the kinds of the tables allow it.
    LookupIndex key_index;
    bool is_plain;
    LookupIndex comments_index;  // of comments, by customer_id and id
    LookupIndex kept_index;      // of comments, by customer_id and refused_request
    LookupIndex history_index;   // of the history, by customer_id and version
    LookupIndex locks_index;     // of edit locks, by customer_id
    bool is_history_plain;
    bool is_changed_before_update;  // by triggers of others, which may update the row themselves
    bool updates_alone;             // no trigger of others fires when a customer is updated, nor when that is recorded
    bool comments_alone;            // nor when a comment is inserted
    Oid reference_constraint;  // the foreign key to the customer, when who holds the customer's lock need not check it
    Oid reply_constraint;      // the foreign key to the comment replied to, when there is nothing to check without one

    // Whether the triggers that require_triggers() asks for are there and fire where nothing is being replicated.
    bool is_guarded;

    // Made when a table is first written directly.
    PreparedWrite *customers_write;
    PreparedWrite *comments_write;
    PreparedWrite *history_write;
    PreparedWrite *update_alone;
    PreparedWrite *comment_alone;

    // Columns of the edit locks.
    AttrNumber lock_id;
    AttrNumber lock_author;
    AttrNumber lock_locked_at;
    AttrNumber lock_expires_at;

    // Columns of the history.
    AttrNumber history_customer;
    AttrNumber history_version;
    AttrNumber history_recorded_at;
    AttrNumber history_previous;
    AttrNumber history_based_on;
    AttrNumber history_operation;
    AttrNumber history_author;
    AttrNumber history_db_user;
    AttrNumber history_status_from;
    AttrNumber history_status_to;
    AttrNumber history_fields;
    AttrNumber history_comment_id;
    AttrNumber history_request;
    AttrNumber history_earlier_pruned;

    SPIPlanPtr plans[static_cast<int>(Statement::count)];

    SPIPlanPtr &
    plan(Statement statement)
    {
        return plans[static_cast<int>(statement)];
    }
};

// Registers the callbacks that notice changes; called once when the library is loaded, after watch_transactions().
void watch_attached_tables();

// These find an attached table and lock it with its comments and history, as writes to them do. They raise 55000 when
// the table found is not as it must be. extension_schema is where the registry lives.

// The first attached table that the search_path finds, temporary schemas excluded; raises 55000 when there is none, or
// more than one in that schema.
AttachedTable &attached_by_search_path(Oid extension_schema);

// The attached table that has this relation as its member (&AttachedTable::customers, comments or history), or nullptr. What a
// save in progress has found and locked is not looked for again.
AttachedTable *attached_by_member(Oid AttachedTable::*member, Oid relation, Oid extension_schema);

// The customers table attached in a schema, or InvalidOid; raises 55000 when there is more than one.
Oid attached_in_schema(Oid schema, Oid extension_schema);

// All customers tables that are attached, a list of OIDs.
List *attached_customers(Oid extension_schema);

// What the registry says of a customers table, not described and not locked, or nullptr.
const AttachedTable *registered(Oid customers, Oid extension_schema);

// Checks that the triggers are there and will fire, and raises 55000 otherwise.
void require_triggers(const AttachedTable &table, Oid extension_schema);

// The trigger of a relation that calls this function of the extension, or nullptr.
const Trigger *find_trigger(Relation relation, const char *function, Oid extension_schema);

// What serves all writes of one of the tables, which is open; made on the first. It is nullptr when the transaction itself
// has just changed the tables.
const PreparedWrite *prepared_write(PreparedWrite *&slot, Relation relation, CmdType command);

// What serves updates of the customers table and insertions of comments, which are open, when the work of the extension's
// triggers is done without them; nullptr where triggers of others have a say.
const PreparedWrite *prepared_update(AttachedTable &table, Relation customers);
const PreparedWrite *prepared_comment(AttachedTable &table, Relation comments);

// The schema of the SQL function that is being called, which is the extension's.
Oid extension_schema_of(FunctionCallInfo fcinfo);

// The registry's table.
Oid registry_table(Oid extension_schema);

}  // namespace crm
