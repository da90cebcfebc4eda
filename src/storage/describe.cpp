#include "table_description.h"

#include "../boundary/errors.h"
#include "attached_tables.h"
#include "companion_columns.h"
#include "key.h"
#include "own_triggers.h"
#include "status.h"

namespace crm {

namespace {

// Fills in what pg_class says of a table that is locked, and returns its schema.
Oid
describe_relation(PartFacts &part)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(part.oid));
    if (!HeapTupleIsValid(tuple))
        errors::missing_table(part.oid);
    const FormData_pg_class form = *reinterpret_cast<FormData_pg_class *>(GETSTRUCT(tuple));
    ReleaseSysCache(tuple);
    if (form.relkind != RELKIND_RELATION)
        errors::no_longer_a_table(part.oid);
    part.owner = owner_of(form.relowner, form.relnamespace);
    part.policies = {form.relrowsecurity, form.relforcerowsecurity};
    part.sql = sql_relation(part.oid);
    return form.relnamespace;
}

AttrNumber
require_column(Oid table, const char *column, Oid type)
{
    const AttrNumber attribute = get_attnum(table, column);
    if (attribute <= 0)
        errors::missing_column(table, column);
    const Oid actual = get_atttype(table, attribute);
    if (getBaseType(actual) != type)
        errors::wrong_column_type(table, column, actual, format_type_be(type));
    return attribute;
}

template <typename Facts>
void
find_columns(Facts &part, std::span<const CompanionColumn<Facts>> columns, Oid key_type)
{
    for (const CompanionColumn<Facts> &column : columns)
        part.*column.number = require_column(part.oid, column.name, OidIsValid(column.type) ? column.type : key_type);
}

// Finds out which columns are key, status and version. The trigger that guards the key names them: so they follow renames,
// and a table that came by the OID of an attached one is not taken for it. Returns its columns.
TupleDesc
find_columns_of_customers(Customers &customers, Oid extension_schema)
{
    Relation relation = table_open(customers.oid, NoLock);
    if (find_trigger(relation, version_trigger, extension_schema) == nullptr)
        errors::missing_trigger(customers.oid, version_trigger.function);
    const Trigger *trigger = find_trigger(relation, key_trigger, extension_schema);
    if (trigger == nullptr)
        errors::missing_trigger(customers.oid, key_trigger.function);
    if (trigger->tgnattr != 3)
        errors::misused_trigger(key_trigger.function, "BEFORE UPDATE OF key, status, version, for each row");
    customers.key = trigger->tgattr[0];
    customers.status = trigger->tgattr[1];
    customers.version = trigger->tgattr[2];
    const TupleDesc columns = CreateTupleDescCopy(RelationGetDescr(relation));
    table_close(relation, NoLock);

    std::int32_t typmod;
    Oid type, collation;
    get_atttypetypmodcoll(customers.oid, customers.key, &type, &typmod, &collation);
    customers.key_column_type = getBaseType(type);
    customers.key_type = key_type_of(customers.key_column_type);
    if (!OidIsValid(customers.key_type))
        errors::wrong_column_type(customers.oid, get_attname(customers.oid, customers.key, false), type,
                                  "smallint, integer, bigint, uuid, text or varchar, or a domain over one of them");

    get_atttypetypmodcoll(customers.oid, customers.status, &customers.status_type, &customers.status_typmod,
                          &collation);
    if (!can_be_status(customers.status_type))
        errors::wrong_column_type(customers.oid, get_attname(customers.oid, customers.status, false),
                                  customers.status_type,
                                  "text, varchar, citext, an enum or an integer, or a domain over one of them");

    get_atttypetypmodcoll(customers.oid, customers.version, &type, &typmod, &collation);
    if (getBaseType(type) != TIMESTAMPTZOID)
        errors::wrong_column_type(customers.oid, get_attname(customers.oid, customers.version, false), type,
                                  format_type_be(TIMESTAMPTZOID));
    if (typmod >= 0 && typmod < 3)
        errors::too_coarse_version(customers.oid, get_attname(customers.oid, customers.version, false));
    return columns;
}

// Whether the rows of a table are all in itself, and stored as PostgreSQL stores them.
bool
is_ordinary(Relation relation)
{
    const FormData_pg_class *form = relation->rd_rel;
    return form->relkind == RELKIND_RELATION && !form->relispartition && !form->relhassubclass &&
           relation->rd_rules == nullptr && form->relam == HEAP_TABLE_AM_OID && !has_virtual_columns(relation);
}

// A domain may refuse the null that a column without a default gets.
bool
has_domains(Relation relation)
{
    const TupleDesc columns = RelationGetDescr(relation);
    for (int i = 0; i < columns->natts; i++)
        if (!TupleDescAttr(columns, i)->attisdropped &&
            get_typtype(TupleDescAttr(columns, i)->atttypid) == TYPTYPE_DOMAIN)
            return true;
    return false;
}

// Whether the executor's simple calls do to a table what a statement of this kind would.
bool
is_plain(Relation relation, CmdType command)
{
    const TriggerDesc *triggers = relation->trigdesc;
    const bool has_statement_triggers =
        triggers != nullptr &&
        (command == CMD_UPDATE ? triggers->trig_update_before_statement || triggers->trig_update_after_statement ||
                                     triggers->trig_update_old_table || triggers->trig_update_new_table
                               : triggers->trig_insert_before_statement || triggers->trig_insert_after_statement ||
                                     triggers->trig_insert_new_table);
    return is_ordinary(relation) && !has_statement_triggers && (command == CMD_UPDATE || !has_domains(relation));
}

// Whether every row with a value in the column is in the index. The condition is looked at as it is stored: relcache would
// call the functions in it.
bool
has_all_values_of(Relation index, AttrNumber column)
{
    bool is_null;
    const Datum stored = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, Anum_pg_index_indpred, &is_null);
    if (is_null)
        return true;
    const NullTest *test = static_cast<const NullTest *>(stringToNode(TextDatumGetCString(stored)));
    return IsA(test, NullTest) && test->nulltesttype == IS_NOT_NULL && IsA(test->arg, Var) &&
           reinterpret_cast<const Var *>(test->arg)->varattno == column;
}

// Whether a look-up in an index with values of these types calls PostgreSQL's own functions alone: it runs as whoever looks.
bool
compares_by_builtin(Relation index, std::span<const Oid> types)
{
    for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
        if (index_getprocid(index, static_cast<AttrNumber>(i + 1), BTORDER_PROC) >= FirstGenbkiObjectId)
            return false;
    for (std::size_t i = 0; i < types.size(); i++)
    {
        const Oid equal =
            get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i], types[i], BTEqualStrategyNumber);
        if (!OidIsValid(equal) || get_opcode(equal) >= FirstGenbkiObjectId)
            return false;
    }
    return true;
}

// Whether a look-up by these columns, compared with values of these types, finds all rows in an index.
bool
serves(Relation index, Relation relation, std::span<const AttrNumber> columns, std::span<const Oid> types)
{
    const FormData_pg_index *form = index->rd_index;
    if (!form->indisvalid || index->rd_rel->relam != BTREE_AM_OID ||
        form->indnkeyatts < static_cast<int>(columns.size()))
        return false;
    for (std::size_t i = 0; i < columns.size(); i++)
        if (form->indkey.values[i] != columns[i] || (index->rd_indoption[i] & INDOPTION_DESC) ||
            index->rd_indcollation[i] != TupleDescAttr(RelationGetDescr(relation), columns[i] - 1)->attcollation)
            return false;
    return compares_by_builtin(index, types) && has_all_values_of(index, columns.back());
}

// How the first columns of an index are compared with values of these types.
LookupIndex
lookup_index(Relation index, std::span<const Oid> types)
{
    LookupIndex lookup = {RelationGetRelid(index), {}};
    for (std::size_t i = 0; i < types.size(); i++)
    {
        const Oid equal =
            get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i], types[i], BTEqualStrategyNumber);
        ScanKeyEntryInitialize(&lookup.keys[i], 0, static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber, types[i],
                               index->rd_indcollation[i], get_opcode(equal), static_cast<Datum>(0));
    }
    return lookup;
}

// An index of an ordinary table that begins with these columns, which are compared with values of these types.
LookupIndex
index_of(Relation relation, std::initializer_list<AttrNumber> columns, std::initializer_list<Oid> types)
{
    LookupIndex found = {};
    if (!is_ordinary(relation))
        return found;
    ListCell *cell;
    foreach (cell, RelationGetIndexList(relation))
    {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        if (serves(index, relation, {columns.begin(), columns.size()}, {types.begin(), types.size()}))
            found = lookup_index(index, {types.begin(), types.size()});
        index_close(index, AccessShareLock);
    }
    return found;
}

// The index that finds a customer by its key.
LookupIndex
key_index(const Customers &customers, Relation relation)
{
    LookupIndex found = {};
    ListCell *cell;
    foreach (cell, RelationGetIndexList(relation))
    {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        const FormData_pg_index *form = index->rd_index;
        if (form->indisunique && form->indimmediate && form->indnkeyatts == 1 &&
            serves(index, relation, std::span(&customers.key, 1), std::span(&customers.key_type, 1)) &&
            heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr))
            found = lookup_index(index, std::span(&customers.key_type, 1));
        index_close(index, AccessShareLock);
    }
    return found;
}

// Whether a foreign key is satisfied when one of its columns is null.
bool
matches_null(Oid constraint)
{
    HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(tuple))
        return false;
    const char match = reinterpret_cast<FormData_pg_constraint *>(GETSTRUCT(tuple))->confmatchtype;
    ReleaseSysCache(tuple);
    return match == FKCONSTR_MATCH_SIMPLE;
}

// Whether a foreign key is checked by a trigger that fires at the end of each insertion of a comment.
bool
is_checked_at_once(Relation comments, Oid constraint)
{
    for (const Trigger &trigger : triggers_of(comments))
        if (trigger.tgfoid == F_RI_FKEY_CHECK_INS && trigger.tgconstraint == constraint)
            return !trigger.tgdeferrable && trigger.tgenabled == TRIGGER_FIRES_ON_ORIGIN;
    return false;
}

// Whether triggers of others see, and may change, a row before it is updated.
bool
is_changed_before_update(Relation customers, Oid extension_schema)
{
    for (const Trigger &trigger : triggers_of(customers))
        if (TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_BEFORE(trigger.tgtype) &&
            TRIGGER_FOR_UPDATE(trigger.tgtype) && !is_own(trigger, extension_schema))
            return true;
    return false;
}

// Whether no trigger of others fires then.
bool
is_alone(const TableDescription &table, Relation relation, CmdType command)
{
    for (const Trigger &trigger : triggers_of(relation))
        if (!trigger.tgisinternal && !has_nothing_to_do(table, trigger, command))
            return false;
    return true;
}

// Fills in the foreign keys that a save need not have checked, when nothing but the extension's triggers runs between the
// insertion of a comment and the check.
void
describe_references(TableDescription &table, Relation comments)
{
    for (const Trigger &trigger : triggers_of(comments))
        if (!trigger.tgisinternal && !is_own(trigger, table.extension_schema))
            return;
    ListCell *cell;
    foreach (cell, copied_foreign_keys(comments))
    {
        const ForeignKeyCacheInfo *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        if (!is_checked_at_once(comments, key->conoid))
            continue;
        const std::span columns(key->conkey, key->nkeys);
        if (key->nkeys == 1 && columns[0] == table.comments.customer_id && key->confrelid == table.customers.oid &&
            key->confkey[0] == table.customers.key)
            table.comments.reference_constraint = key->conoid;
        else if (std::ranges::find(columns, table.comments.reply_to) != columns.end() && matches_null(key->conoid))
            table.comments.reply_constraint = key->conoid;
    }
}

// Whether the triggers that saves need are there and fire where nothing is being replicated.
bool
is_guarded(const TableDescription &table)
{
    bool is_guarded = true;
    for (const OwnTrigger &own : own_triggers)
    {
        if (!own.saves_need_it)
            continue;
        Relation relation = table_open(table[own.part].oid, NoLock);
        const Trigger *trigger = find_trigger(relation, own, table.extension_schema);
        is_guarded = is_guarded && trigger != nullptr &&
                     (trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN || trigger->tgenabled == TRIGGER_FIRES_ALWAYS);
        table_close(relation, NoLock);
    }
    return is_guarded;
}

// Fills in whether and how the direct access path serves the tables, of which nothing is known yet.
void
describe_access(TableDescription &table)
{
    const Oid key_type = table.customers.key_type;
    Relation customers = table_open(table.customers.oid, NoLock);
    Relation comments = table_open(table.comments.oid, NoLock);
    Relation history = table_open(table.history.oid, NoLock);
    Relation locks = table_open(table.locks.oid, NoLock);
    table.is_guarded = is_guarded(table);
    describe_references(table, comments);

    table.customers.index = key_index(table.customers, customers);
    table.comments.index = index_of(comments, {table.comments.customer_id, table.comments.id}, {key_type, INT8OID});
    table.comments.kept_index =
        index_of(comments, {table.comments.customer_id, table.comments.refused_request}, {key_type, UUIDOID});
    table.history.index =
        index_of(history, {table.history.customer_id, table.history.version}, {key_type, TIMESTAMPTZOID});
    table.locks.index = index_of(locks, {table.locks.customer_id}, {key_type});

    table.customers.is_plain = OidIsValid(table.customers.index.index) && is_plain(customers, CMD_UPDATE);
    table.comments.is_plain = is_plain(comments, CMD_INSERT);
    table.history.is_plain = is_plain(history, CMD_INSERT);
    table.customers.is_changed_before_update = is_changed_before_update(customers, table.extension_schema);
    table.customers.is_alone = table.is_guarded && table.history.is_plain && is_alone(table, customers, CMD_UPDATE) &&
                               is_alone(table, history, CMD_INSERT);
    table.comments.is_alone = table.is_guarded && is_alone(table, comments, CMD_INSERT);
    table_close(locks, NoLock);
    table_close(history, NoLock);
    table_close(comments, NoLock);
    table_close(customers, NoLock);
}

// Whether the columns of a table are what they were.
bool
same_columns(TupleDesc a, TupleDesc b)
{
    if (a->natts != b->natts)
        return false;
    for (int i = 0; i < a->natts; i++)
    {
        const FormData_pg_attribute *x = TupleDescAttr(a, i);
        const FormData_pg_attribute *y = TupleDescAttr(b, i);
        if (x->atttypid != y->atttypid || x->atttypmod != y->atttypmod || x->attcollation != y->attcollation ||
            x->attisdropped != y->attisdropped || x->attgenerated != y->attgenerated ||
            x->attidentity != y->attidentity || std::strcmp(NameStr(x->attname), NameStr(y->attname)) != 0)
            return false;
    }
    return true;
}

// What is made of a table for its first write and serves the later ones.
template <typename Make>
const PreparedWrite *
prepared_once(TableDescription &table, PreparedWrite *&slot, Make make)
{
    const std::uint64_t news = table.news;
    if (table.news_known != news)
        return nullptr;
    if (slot != nullptr)
        return slot;
    const MemoryContext caller = MemoryContextSwitchTo(table.context);
    PreparedWrite *made = make();
    MemoryContextSwitchTo(caller);
    if (table.news != news)
        return nullptr;
    slot = made;
    return slot;
}

const PreparedWrite *
prepared_write(TableDescription &table, PreparedWrite *&slot, Relation relation, CmdType command)
{
    return prepared_once(table, slot, [&] {
        List *own = NIL;
        for (const Trigger &trigger : triggers_of(relation))
            if (is_own(trigger, table.extension_schema))
                own = lappend_oid(own, trigger.tgfoid);
        return prepare_write(relation, command, own);
    });
}

// What serves writes of one of the tables without the triggers that have nothing to do. While changes of another server are
// replayed, others fire.
const PreparedWrite *
prepared_alone(TableDescription &table, PreparedWrite *&slot, Relation relation, CmdType command)
{
    if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
        return nullptr;
    return prepared_once(table, slot, [&] {
        List *without = NIL;
        for (const Trigger &trigger : triggers_of(relation))
            if (has_nothing_to_do(table, trigger, command))
                without = lappend_oid(without, trigger.tgoid);
        return prepare_write(relation, command, NIL, without);
    });
}

}  // namespace

Oid &
Members::operator[](Part part)
{
    switch (part)
    {
        case Part::customers:
            return customers;
        case Part::comments:
            return comments;
        case Part::history:
            return history;
        case Part::locks:
            return locks;
    }
    pg_unreachable();
}

const PartFacts &
TableDescription::operator[](Part part) const
{
    switch (part)
    {
        case Part::customers:
            return customers;
        case Part::comments:
            return comments;
        case Part::history:
            return history;
        case Part::locks:
            return locks;
    }
    pg_unreachable();
}

SPIPlanPtr &
TableDescription::plan(const void *of)
{
    for (KeptPlan &kept : std::span(plans, plan_count))
        if (kept.of == of)
            return kept.plan;
    if (plan_count == plan_room)
    {
        plan_room = 2 * plan_room + 8;
        const std::size_t size = plan_room * sizeof(KeptPlan);
        plans = static_cast<KeptPlan *>(plans == nullptr ? MemoryContextAlloc(context, size) : repalloc(plans, size));
    }
    plans[plan_count] = {of, nullptr};
    return plans[plan_count++].plan;
}

bool
TableDescription::has_facts_of(const TableDescription &newer) const
{
    const auto same = []<typename Description>(const Description &a, const Description &b) {
        return static_cast<const typename Description::Facts &>(a) ==
               static_cast<const typename Description::Facts &>(b);
    };
    return same(customers, newer.customers) && same(comments, newer.comments) && same(history, newer.history) &&
           same(locks, newer.locks) && schema == newer.schema && comments_column == newer.comments_column &&
           refuses_plain_updates == newer.refuses_plain_updates && same_columns(columns, newer.columns);
}

void
TableDescription::take_access_of(const TableDescription &newer)
{
    const auto take = []<typename Description>(Description &a, const Description &b) {
        static_cast<typename Description::Access &>(a) = b;
    };
    take(customers, newer.customers);
    take(comments, newer.comments);
    take(history, newer.history);
    take(locks, newer.locks);
    is_guarded = newer.is_guarded;
}

void
describe(TableDescription &table)
{
    const MemoryContext caller = MemoryContextSwitchTo(table.context);
    table.schema = describe_relation(table.customers);
    for (PartFacts *part : {static_cast<PartFacts *>(&table.comments), static_cast<PartFacts *>(&table.history),
                            static_cast<PartFacts *>(&table.locks)})
        describe_relation(*part);
    table.columns = find_columns_of_customers(table.customers, table.extension_schema);
    find_columns<CommentsFacts>(table.comments, comments_columns, table.customers.key_type);
    find_columns<HistoryFacts>(table.history, history_columns, table.customers.key_type);
    find_columns<LocksFacts>(table.locks, locks_columns, table.customers.key_type);
    describe_access(table);

    // The quoting may have returned a name of the catalogue as it is.
    const auto name = [&table](AttrNumber column) {
        return copied(sql_identifier(get_attname(table.customers.oid, column, false)), table.context);
    };
    table.customers.key_sql = name(table.customers.key);
    table.customers.status_sql = name(table.customers.status);
    table.customers.version_sql = name(table.customers.version);
    MemoryContextSwitchTo(caller);
}

const PreparedWrite *
prepared_history_write(TableDescription &table, Relation history)
{
    return prepared_write(table, table.history.write, history, CMD_INSERT);
}

const PreparedWrite *
prepared_customers_write(TableDescription &table, Relation customers)
{
    return prepared_write(table, table.customers.write, customers, CMD_UPDATE);
}

const PreparedWrite *
prepared_comments_write(TableDescription &table, Relation comments)
{
    return prepared_write(table, table.comments.write, comments, CMD_INSERT);
}

const PreparedWrite *
prepared_update(TableDescription &table, Relation customers)
{
    if (!table.customers.is_alone)
        return nullptr;
    if (table.history.write == nullptr)
    {
        // Preparing may call the functions in the conditions of indexes.
        Relation history = table_open(table.history.oid, NoLock);
        const Role caller = act_as(table.history.owner);
        prepared_history_write(table, history);
        act_again_as(caller);
        table_close(history, NoLock);
    }
    // Functions of others that are called when a change is recorded are called by a trigger.
    if (!table.is_recorded_alone())
        return nullptr;
    return prepared_alone(table, table.customers.write_alone, customers, CMD_UPDATE);
}

const PreparedWrite *
prepared_comment(TableDescription &table, Relation comments)
{
    return table.comments.is_alone ? prepared_alone(table, table.comments.write_alone, comments, CMD_INSERT) : nullptr;
}

}  // namespace crm
