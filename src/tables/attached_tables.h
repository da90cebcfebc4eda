#pragma once

#include "registry.h"

// The attached tables, read from the registry once per session and again after anything about them changed.
namespace crm {

// An attached table in the hands of a call, which has locked it. Whatever is asked of its description is proven current
// first: after code of others has run, the description is compared with what is there now, and a call that it does not
// fit any more ends in 55000.
class AttachedTable
{
public:
    AttachedTable() = default;
    explicit AttachedTable(TableDescription &known) : description(&known) {}

    TableDescription *operator->() const
    {
        if (description->news_known != description->news)
            prove(*description);
        return description;
    }

    TableDescription &operator*() const { return *operator->(); }

    bool is_same(const AttachedTable &other) const { return description == other.description; }

private:
    static void prove(TableDescription &held);

    TableDescription *description = nullptr;
};

// What a call is about to do with the table that it looks for: the rights without which it has no business with it, and
// how it locks it.
enum class Purpose
{
    read,        // SELECT on a column of customers, comments or history
    save,        // UPDATE on a column of customers
    remove,      // DELETE on customers
    restore,     // INSERT on a column of customers
    comment,     // INSERT on a column of comments
    correct,     // SELECT on a column of comments
    administer,  // ownership of the customers
    import,      // ownership of the comments
    prune,       // ownership of the history
    guard,       // none: a trigger of the table was fired
};

// These find an attached table and lock it with its comments, history and edit locks, in the mode of statements that do the
// same. They raise 42501, with nothing locked, where the caller has none of the rights that the purpose takes, and 55000 when
// the table found is not as it must be. extension_schema is where the registry lives.

// The first customers table that the search_path finds, temporary schemas excluded; raises 55000 when there is none. In a
// schema with more than one it is the one that was attached there; 55000 where none or several of them were.
AttachedTable attached_by_search_path(Oid extension_schema, Purpose purpose);

// The attached table whose customers, comments or history this relation is, if there is one.
std::optional<AttachedTable> attached_by_member(Part part, Oid relation, Oid extension_schema, Purpose purpose);

// The attached table that a caller names; raises 55000 where it is none.
AttachedTable attached_by_name(Oid customers, Oid extension_schema, Purpose purpose);

// The customers table that is found in a schema, or InvalidOid; raises as above.
Oid attached_in_schema(Oid schema, Oid extension_schema);

// Whether calls that name no table find this one.
bool is_found_by_search_path(Oid customers, Oid extension_schema);

// What the registry says of a customers table, or nothing: not locked, and nobody's rights were asked.
std::optional<Registered> registered(Oid customers, Oid extension_schema);

// Visits the attached tables one after the other, those that the caller owns or may read.
class TableVisitor
{
public:
    // What is locked here is released afterwards, and what is raised here goes to on_problem(): a table of one owner keeps
    // nobody from reading another's.
    virtual void visit(const Registered &table) = 0;
    virtual void on_problem(const Registered &table, const char *message) = 0;

protected:
    ~TableVisitor() = default;
};

void each_readable_table(Oid extension_schema, TableVisitor &visitor);

// Raises 55000 unless comments of the table can be corrected.
void require_corrections(const AttachedTable &table);

// Checks that the triggers are there and will fire, and raises 55000 otherwise.
void require_triggers(const AttachedTable &table);

}  // namespace crm
