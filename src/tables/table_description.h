#pragma once

#include "../boundary/role.h"
#include "../boundary/simple_write.h"
#include "../boundary/sql.h"
#include "../core/timestamp.h"
#include "bumped_columns.h"
#include "companion_columns.h"
#include "merge_groups.h"

// What is known of an attached table.
namespace crm {

// A plan that is kept for an attached table, known by the address of the constant that it was made of.
struct KeptPlan
{
    const void *of;
    SPIPlanPtr plan;
    KeptPlan *next;
};

// A plan that is kept for an attached table, known by its text.
struct KeptTextPlan
{
    const char *text;
    SPIPlanPtr plan;
};

// An index through which rows are looked up by the values of its first columns; index is InvalidOid where none serves.
struct LookupIndex
{
    Oid index;
    ScanKeyData keys[2];  // their arguments are set for each lookup
};

// The tables of an attachment.
enum class Part
{
    customers,
    comments,
    history,
    locks,
    // An attachment that was made by version 1.0 has none of these until crm_attach() is called again.
    deletions,
    comment_edits,
    refused_saves,
};

// What every call locks; the others are locked by the statements that use them.
inline constexpr Part main_parts[] = {Part::customers, Part::comments, Part::history, Part::locks};
inline constexpr Part later_parts[] = {Part::deletions, Part::comment_edits, Part::refused_saves};

// The tables by their OIDs; InvalidOid stands for one that is not there.
struct Members
{
    Oid customers;
    Oid comments;
    Oid history;
    Oid locks;
    Oid deletions;
    Oid comment_edits;
    Oid refused_saves;

    Oid &operator[](Part part);
    Oid operator[](Part part) const { return const_cast<Members &>(*this)[part]; }
    bool operator==(const Members &) const = default;

    bool has(Oid relation) const
    {
        return relation == customers || relation == comments || relation == history || relation == locks ||
               relation == deletions || relation == comment_edits || relation == refused_saves;
    }
};

// How a table is reached, which may change while a call is under way: the next step goes by it then.
struct PartAccess
{
    bool is_plain;  // what the executor's simple calls do to it is what statements would

    // No trigger of others fires when a save writes it, nor when that is recorded.
    bool may_be_written_without_triggers;

    // Made when it is first written directly: with its triggers, and without those that have nothing to do.
    PreparedWrite *write;
    PreparedWrite *write_without_triggers;
};

struct CustomersFacts : PartFacts
{
    // The numbers of its columns, and their names for statements.
    AttrNumber key;
    AttrNumber status;  // invalid in a table without one
    AttrNumber version;
    Sql key_sql;
    Sql status_sql;         // NULL without one
    Sql status_of_row_sql;  // the same, of the row c
    Sql version_sql;

    Oid key_type;         // as keys are passed: bigint, uuid or text
    Oid key_column_type;  // the base type of the column
    Oid status_type;
    std::int32_t status_typmod;

    bool has_status() const { return status != InvalidAttrNumber; }
    bool operator==(const CustomersFacts &) const = default;
};

struct CustomersAccess : PartAccess
{
    LookupIndex index;              // by key
    bool is_changed_before_update;  // by triggers of others, which may update the row themselves
    bool may_be_recorded_at_end;    // of the statement
};

struct CommentsAccess : PartAccess
{
    LookupIndex index;         // by customer_id and id
    LookupIndex kept_index;    // by customer_id and refused_request
    Oid reference_constraint;  // the foreign key to the customer, when who holds the customer's lock need not check it
    Oid reply_constraint;      // the foreign key to the comment replied to, when there is nothing to check without one
};

struct HistoryAccess : PartAccess
{
    LookupIndex index;  // by customer_id and version
};

struct LocksAccess : PartAccess
{
    LookupIndex index;  // by customer_id
};

// A table of an attachment.
template <typename FactsOfPart, typename AccessOfPart>
struct PartDescription : FactsOfPart, AccessOfPart
{
    using Facts = FactsOfPart;
    using Access = AccessOfPart;
};

using Customers = PartDescription<CustomersFacts, CustomersAccess>;
using Comments = PartDescription<CommentsFacts, CommentsAccess>;
using History = PartDescription<HistoryFacts, HistoryAccess>;
using Locks = PartDescription<LocksFacts, LocksAccess>;

// What statements on comments say of corrections, as far as the tables have them.
struct CorrectionsSql
{
    Sql columns;
    Sql first_text;  // of the comment c; NULL where it was withdrawn: who says that again means it
    Sql texts;       // all that comments have or had, as a relation of customer_id, id, author, body, created_at
};

// A customers table with its comments, history and edit locks. It lives until the transaction ends, and is reached through
// AttachedTable alone, which sees to it that it is true.
struct TableDescription
{
    Customers customers;
    Comments comments;
    History history;
    Locks locks;
    PartFacts deletions;
    PartFacts comment_edits;
    PartFacts refused_saves;
    CorrectionsSql corrections;

    Oid schema;                        // of the customers
    std::string_view comments_column;  // of the customers table, with comments in the older text form; empty for none
    std::string_view registered_merge_groups;  // jsonb; empty for none
    MergeGroups merge_groups;
    std::string_view registered_also_bump;  // jsonb; empty for none
    BumpedColumns also_bump;
    bool is_customers;           // of its schema
    bool refuses_plain_updates;  // of the status
    TupleDesc columns;           // of the customers table

    // Whether the triggers that require_triggers() asks for are there and fire where nothing is being replicated.
    bool is_guarded;

    MemoryContext context;  // of what it points to
    Oid extension_schema;
    std::uint64_t news;        // how often something of the table has changed
    std::uint64_t news_known;  // when this was last found true
    KeptPlan *plans;
    KeptTextPlan text_plans[16];
    TableDescription *next;  // of all that there are

    const PartFacts &operator[](Part part) const;
    Members members() const
    {
        return {customers.oid, comments.oid,      history.oid,      locks.oid,
                deletions.oid, comment_edits.oid, refused_saves.oid};
    }
    bool has(Part part) const { return OidIsValid((*this)[part].oid); }

    // Whether comments can be corrected, and earlier texts looked up by who owns the comments.
    bool has_corrections() const
    {
        return has(Part::comment_edits) && comment_edits.owner.role == comments.owner.role &&
               comments.edited_at != InvalidAttrNumber && comments.edited_by != InvalidAttrNumber &&
               comments.withdrawn_at != InvalidAttrNumber;
    }

    // Whether a call that relies on this finds the same facts in a newer description; and how the tables are reached by it.
    bool has_facts_of(const TableDescription &newer) const;
    void take_access_of(const TableDescription &newer);

    // Whether nothing of others is called when a change is recorded directly, as far as is known.
    bool may_be_recorded_without_triggers() const
    {
        return news_known == news && history.write != nullptr && !history.write->calls_others;
    }

    // Where the plan for a constant is kept, for as long as the description is; nullptr stands there at first.
    SPIPlanPtr &plan(const void *of);

    // The same for a text that is made as the call has it; nullptr where too many are kept already.
    SPIPlanPtr *plan_of_text(const char *text);
};

// Whether the columns of a table are what they were.
bool same_columns(TupleDesc a, TupleDesc b);

// Fills in the description of the tables that it names, which are locked; raises 55000 when one of them is not as it must
// be. context is where what it points to goes.
void describe(TableDescription &table);

}  // namespace crm
