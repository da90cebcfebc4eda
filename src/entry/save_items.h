#pragma once

#include "../boundary/guard.h"
#include "../boundary/json.h"
#include "../saving/saving.h"

// The saves of a call that brings many, as JSON.
namespace crm {

// One of many saves; or a deletion or a check, as the intent of its request says.
struct SaveItem
{
    int ord;  // from 1, as given
    AttachedTable table;
    Key key;
    core::Request request;
    std::optional<Datum> fields;
    core::Outcome decision;
    HeapTuple row;  // the answer
};

// Runs work() on the nth save; an error names it.
template <typename Work>
void
on_item(int ord, Work work)
{
    with_error_prefix([ord] { return psprintf("save %d", ord); }, work);
}

// The tables of a call, locked, with their triggers on; the one of all saves that name none is looked for once.
class ItemTables
{
public:
    explicit ItemTables(Oid schema) : extension_schema(schema) {}

    AttachedTable by_name(const char *name, Purpose purpose) const;
    AttachedTable by_search_path(Purpose purpose);

private:
    Oid extension_schema;
    std::optional<AttachedTable> customers;
};

// Which operations a function takes.
enum class Operations
{
    updates,
    all,
};

// Reads and checks one item; raises 22023, 22004, 22001 and PT428 for a bad one, and what the lookup of its table raises.
void read_item(SaveItem &item, const JsonbValue &value, ItemTables &tables, Operations allowed);

}  // namespace crm
