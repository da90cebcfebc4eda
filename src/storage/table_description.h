#pragma once

#include "../boundary/role.h"
#include "../boundary/simple_write.h"
#include "../boundary/sql.h"
#include "../core/timestamp.h"

// What is known of an attached table.
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
    is_applied_from_earlier,
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

// Whether policies may apply to who reads a table.
struct RowSecurity
{
    bool is_enabled;
    bool is_forced;

    bool operator==(const RowSecurity &) const = default;
};

// What a call that has begun relies on: it must stay as it is until the call ends.
struct TableFacts
{
    Oid customers;
    Oid comments;
    Oid history;
    Oid locks;
    Oid schema;
    std::string_view comments_column;  // of the customers table, with comments in the older text form; empty for none
    bool refuses_plain_updates;        // of the status

    Owner customers_owner;
    Owner comments_owner;
    Owner history_owner;
    Owner locks_owner;

    RowSecurity customers_policies;
    RowSecurity comments_policies;
    RowSecurity history_policies;

    // For statements.
    Sql customers_sql;
    Sql comments_sql;
    Sql history_sql;
    Sql locks_sql;
    Sql key_sql;
    Sql status_sql;
    Sql version_sql;

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

    // Columns of the edit locks.
    AttrNumber lock_customer;
    AttrNumber lock_id;
    AttrNumber lock_author;
    AttrNumber lock_locked_at;
    AttrNumber lock_expires_at;
    AttrNumber lock_db_user;

    bool operator==(const TableFacts &) const = default;
};

// How a table is reached, which may change while a call is under way: the next step goes by it then.
struct TableAccess
{
    LookupIndex key_index;
    LookupIndex comments_index;  // of comments, by customer_id and id
    LookupIndex kept_index;      // of comments, by customer_id and refused_request
    LookupIndex history_index;   // of the history, by customer_id and version
    LookupIndex locks_index;     // of edit locks, by customer_id
    bool is_plain;  // what the executor's simple calls do to customers and comments is what statements would
    bool is_history_plain;
    bool is_changed_before_update;  // by triggers of others, which may update the row themselves
    bool updates_alone;             // no trigger of others fires when a customer is updated, nor when that is recorded
    bool comments_alone;            // nor when a comment is inserted
    Oid reference_constraint;  // the foreign key to the customer, when who holds the customer's lock need not check it
    Oid reply_constraint;      // the foreign key to the comment replied to, when there is nothing to check without one

    // Whether the triggers that require_triggers() asks for are there and fire where nothing is being replicated.
    bool is_guarded;
};

// A customers table with its comments, history and edit locks. It lives until the transaction ends, and is reached through
// AttachedTable alone, which sees to it that it is true.
struct TableDescription : TableFacts, TableAccess
{
    MemoryContext context;  // of what it points to
    Oid extension_schema;
    TupleDesc columns;         // of the customers table
    std::uint64_t news;        // how often something of the table has changed
    std::uint64_t news_known;  // when this was last found true

    // Made when a table is first written directly.
    PreparedWrite *customers_write;
    PreparedWrite *comments_write;
    PreparedWrite *history_write;
    PreparedWrite *update_alone;
    PreparedWrite *comment_alone;

    SPIPlanPtr plans[static_cast<int>(Statement::count)];

    TableDescription *next;  // of all that there are

    // Whether nothing of others is called when a change is recorded directly, as far as is known.
    bool is_recorded_alone() const
    {
        return news_known == news && history_write != nullptr && !history_write->calls_others;
    }

    SPIPlanPtr &plan(Statement statement) { return plans[static_cast<int>(statement)]; }
};

// Fills in the description of the tables that it names, which are locked; raises 55000 when one of them is not as it must
// be. context is where what it points to goes.
void describe(TableDescription &table);

// What serves all writes of one of the tables, which is open; made on the first. It is nullptr where the tables have changed
// since.
const PreparedWrite *prepared_history_write(TableDescription &table, Relation history);
const PreparedWrite *prepared_customers_write(TableDescription &table, Relation customers);
const PreparedWrite *prepared_comments_write(TableDescription &table, Relation comments);

// What serves updates of the customers table and insertions of comments, which are open, when the work of the extension's
// triggers is done without them; nullptr where triggers of others have a say.
const PreparedWrite *prepared_update(TableDescription &table, Relation customers);
const PreparedWrite *prepared_comment(TableDescription &table, Relation comments);

}  // namespace crm
