#include "attached_tables.h"

#include "../boundary/errors.h"
#include "../boundary/transaction.h"
#include "../boundary/value_json.h"
#include "key.h"
#include "save_in_progress.h"
#include "status.h"

namespace crm {

namespace {

// One reading of the registry, in a memory context of its own.
struct Reading
{
    MemoryContext context;
    Oid registry;
    int count;
    AttachedTable *tables;
    List *missing;                  // customers tables that were not there: a rollback brings a dropped one back
    Reading *next;                  // of those that were replaced
    std::uint64_t replaced_during;  // the transaction that did
};

Reading *current = nullptr;
Reading *replaced = nullptr;
bool stale = true;

void
relation_changed(Datum, Oid relation)
{
    if (current == nullptr)
        stale = true;
    if (stale)
        return;
    if (relation == InvalidOid || relation == current->registry)
        stale = true;
    if (list_member_oid(current->missing, relation))
        stale = true;
    for (int i = 0; i < current->count && !stale; i++)
    {
        const AttachedTable &table = current->tables[i];
        stale = relation == table.customers || relation == table.comments || relation == table.history ||
                relation == table.locks;
    }
}

void
schema_changed(Datum, int, uint32)
{
    stale = true;
}

// Frees the readings that no call can be using any more.
void
free_replaced_readings()
{
    for (Reading **link = &replaced; *link != nullptr;)
    {
        Reading *reading = *link;
        if (reading->replaced_during == transaction_number())
        {
            link = &reading->next;
            continue;
        }
        *link = reading->next;
        for (int i = 0; i < reading->count; i++)
            for (SPIPlanPtr plan : reading->tables[i].plans)
                if (plan != nullptr)
                    SPI_freeplan(plan);
        MemoryContextDelete(reading->context);
    }
}

AttrNumber
require_column(Oid table, const char *column, Oid type)
{
    const AttrNumber attribute = get_attnum(table, column);
    if (attribute <= 0)
        errors::missing_column(table, column);
    const Oid actual = get_atttype(table, attribute);
    if (OidIsValid(type) && getBaseType(actual) != type)
        errors::wrong_column_type(table, column, actual, format_type_be(type));
    return attribute;
}

struct TableFacts
{
    Oid owner;
    const char *sql;
};

// Reads what pg_class says of a table that is locked.
TableFacts
read_table(Oid table)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
    if (!HeapTupleIsValid(tuple))
        errors::missing_table(table);
    const FormData_pg_class *form = reinterpret_cast<FormData_pg_class *>(GETSTRUCT(tuple));
    const TableFacts facts = {form->relowner, quote_qualified_identifier(get_namespace_name(form->relnamespace),
                                                                         NameStr(form->relname))};
    ReleaseSysCache(tuple);
    return facts;
}

// Where names are looked for while a table is written with its owner's rights.
const char *
safe_path(Oid table)
{
    return psprintf("pg_catalog, %s, pg_temp", quote_identifier(get_namespace_name(get_rel_namespace(table))));
}

// Reads which columns are key, status and version. The trigger that guards the key names them: so they follow renames,
// and a table that came by the OID of an attached one is not taken for it.
void
read_columns(AttachedTable &table, Oid extension_schema)
{
    Relation relation = table_open(table.customers, NoLock);
    if (find_trigger(relation, "crm_customers_version", extension_schema) == nullptr)
        errors::missing_trigger(table.customers, "crm_customers_version");
    const Trigger *trigger = find_trigger(relation, "crm_customers_key", extension_schema);
    if (trigger == nullptr)
        errors::missing_trigger(table.customers, "crm_customers_key");
    if (trigger->tgnattr != 3)
        errors::misused_trigger("crm_customers_key", "BEFORE UPDATE OF key, status, version, for each row");
    table.key = trigger->tgattr[0];
    table.status = trigger->tgattr[1];
    table.version = trigger->tgattr[2];
    table_close(relation, NoLock);

    std::int32_t typmod;
    Oid type, collation;
    get_atttypetypmodcoll(table.customers, table.key, &type, &typmod, &collation);
    table.key_column_type = getBaseType(type);
    table.key_type = key_type_of(table.key_column_type);
    if (!OidIsValid(table.key_type))
        errors::wrong_column_type(table.customers, get_attname(table.customers, table.key, false), type,
                                  "smallint, integer, bigint, uuid, text or varchar, or a domain over one of them");

    get_atttypetypmodcoll(table.customers, table.status, &table.status_type, &table.status_typmod, &collation);
    if (!can_be_status(table.status_type))
        errors::wrong_column_type(table.customers, get_attname(table.customers, table.status, false),
                                  table.status_type,
                                  "text, varchar, citext, an enum or an integer, or a domain over one of them");

    get_atttypetypmodcoll(table.customers, table.version, &type, &typmod, &collation);
    if (getBaseType(type) != TIMESTAMPTZOID)
        errors::wrong_column_type(table.customers, get_attname(table.customers, table.version, false), type,
                                  format_type_be(TIMESTAMPTZOID));
    if (typmod >= 0 && typmod < 3)
        errors::too_coarse_version(table.customers, get_attname(table.customers, table.version, false));
}

// A copy of text that lives as long as the reading.
const char *
kept(const char *text)
{
    return MemoryContextStrdup(current->context, text);
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
        if (!TupleDescAttr(columns, i)->attisdropped && get_typtype(TupleDescAttr(columns, i)->atttypid) == TYPTYPE_DOMAIN)
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
        (command == CMD_UPDATE
            ? triggers->trig_update_before_statement || triggers->trig_update_after_statement ||
                  triggers->trig_update_old_table || triggers->trig_update_new_table
            : triggers->trig_insert_before_statement || triggers->trig_insert_after_statement || triggers->trig_insert_new_table);
    return is_ordinary(relation) && !has_statement_triggers && (command == CMD_UPDATE || !has_domains(relation));
}

// Whether every row with a value in the column is in the index.
bool
has_all_values_of(Relation index, AttrNumber column)
{
    const List *conditions = RelationGetIndexPredicate(index);
    if (conditions == NIL)
        return true;
    const NullTest *test = static_cast<const NullTest *>(linitial(conditions));
    return list_length(conditions) == 1 && IsA(test, NullTest) && test->nulltesttype == IS_NOT_NULL &&
           IsA(test->arg, Var) && reinterpret_cast<const Var *>(test->arg)->varattno == column;
}

// How the first columns of an index are compared with values of these types. Lives as long as the reading.
LookupIndex
lookup_index(Relation index, std::initializer_list<Oid> types)
{
    const MemoryContext caller = MemoryContextSwitchTo(current->context);
    LookupIndex lookup = {RelationGetRelid(index), {}};
    int i = 0;
    for (const Oid type : types)
    {
        const Oid equal =
            get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i], type, BTEqualStrategyNumber);
        ScanKeyEntryInitialize(&lookup.keys[i], 0, static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber, type,
                               index->rd_indcollation[i], get_opcode(equal), static_cast<Datum>(0));
        i++;
    }
    MemoryContextSwitchTo(caller);
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
        const FormData_pg_index *form = index->rd_index;
        bool serves = form->indisvalid && index->rd_rel->relam == BTREE_AM_OID &&
                      form->indnkeyatts >= static_cast<int>(columns.size()) && has_all_values_of(index, *(columns.end() - 1));
        int i = 0;
        for (const AttrNumber column : columns)
        {
            serves = serves && form->indkey.values[i] == column && !(index->rd_indoption[i] & INDOPTION_DESC) &&
                     index->rd_indcollation[i] == TupleDescAttr(RelationGetDescr(relation), column - 1)->attcollation &&
                     OidIsValid(get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i], types.begin()[i],
                                                    BTEqualStrategyNumber));
            i++;
        }
        if (serves)
            found = lookup_index(index, types);
        index_close(index, AccessShareLock);
    }
    return found;
}

// The index that finds a customer by its key.
LookupIndex
key_index(const AttachedTable &table, Relation customers)
{
    LookupIndex found = {};
    ListCell *cell;
    foreach (cell, RelationGetIndexList(customers))
    {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        const FormData_pg_index *form = index->rd_index;
        if (form->indisunique && form->indimmediate && form->indisvalid && form->indnkeyatts == 1 &&
            form->indkey.values[0] == table.key && index->rd_rel->relam == BTREE_AM_OID &&
            heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr) &&
            index->rd_indcollation[0] == TupleDescAttr(RelationGetDescr(customers), table.key - 1)->attcollation &&
            OidIsValid(get_opfamily_member(index->rd_opfamily[0], index->rd_opcintype[0], table.key_type,
                                           BTEqualStrategyNumber)))
            found = lookup_index(index, {table.key_type});
        index_close(index, AccessShareLock);
    }
    return found;
}

std::span<const Trigger>
triggers_of(Relation relation)
{
    const TriggerDesc *triggers = relation->trigdesc;
    return triggers == nullptr ? std::span<const Trigger>{} : std::span(triggers->triggers, triggers->numtriggers);
}

// Whether a trigger calls one of the extension's functions.
bool
is_own(const Trigger &trigger, Oid extension_schema)
{
    if (get_func_namespace(trigger.tgfoid) != extension_schema)
        return false;
    const char *name = get_func_name(trigger.tgfoid);
    for (const char *own : {"crm_customers_key", "crm_customers_version", "crm_customers_history", "crm_comments_guard",
                            "crm_comments_version", "crm_history_restore", "crm_refuse_truncate"})
        if (name != nullptr && std::strcmp(name, own) == 0)
            return true;
    return false;
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

// Whether a foreign key refers to the key of the customers table.
bool
refers_to_key(Oid constraint, AttrNumber key)
{
    HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(tuple))
        return false;
    bool is_null;
    const Datum columns = SysCacheGetAttr(CONSTROID, tuple, Anum_pg_constraint_confkey, &is_null);
    bool refers = false;
    if (!is_null)
    {
        const ArrayType *array = DatumGetArrayTypeP(columns);
        refers = ARR_DIMS(array)[0] == 1 && *reinterpret_cast<const std::int16_t *>(ARR_DATA_PTR(array)) == key;
    }
    ReleaseSysCache(tuple);
    return refers;
}

// Whether a trigger has nothing to do when a save writes a row by this command and does the work of the extension's triggers
// itself. Foreign keys to the customer's key need no check: it stays.
bool
has_nothing_to_do(const AttachedTable &table, const Trigger &trigger, CmdType command, Oid extension_schema)
{
    const bool is_for_command =
        command == CMD_UPDATE ? TRIGGER_FOR_UPDATE(trigger.tgtype) : TRIGGER_FOR_INSERT(trigger.tgtype);
    if (!TRIGGER_FOR_ROW(trigger.tgtype) || !is_for_command || trigger.tgenabled == TRIGGER_DISABLED ||
        trigger.tgenabled == TRIGGER_FIRES_ON_REPLICA)
        return true;
    if (RI_FKey_trigger_type(trigger.tgfoid) == RI_TRIGGER_PK)
        return refers_to_key(trigger.tgconstraint, table.key);
    return is_own(trigger, extension_schema);
}

// Whether triggers of others see, and may change, a row before it is updated.
bool
is_changed_before_update(Relation customers, Oid extension_schema)
{
    for (const Trigger &trigger : triggers_of(customers))
        if (TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_BEFORE(trigger.tgtype) && TRIGGER_FOR_UPDATE(trigger.tgtype) &&
            !is_own(trigger, extension_schema))
            return true;
    return false;
}

// Whether no trigger of others fires then.
bool
is_alone(const AttachedTable &table, Relation relation, CmdType command, Oid extension_schema)
{
    for (const Trigger &trigger : triggers_of(relation))
        if (!trigger.tgisinternal && !has_nothing_to_do(table, trigger, command, extension_schema))
            return false;
    return true;
}

// Fills in the foreign keys that a save need not have checked, when nothing but the extension's triggers runs between the
// insertion of a comment and the check.
void
describe_references(AttachedTable &table, Relation comments, Oid extension_schema)
{
    for (const Trigger &trigger : triggers_of(comments))
        if (!trigger.tgisinternal && !is_own(trigger, extension_schema))
            return;
    ListCell *cell;
    foreach (cell, RelationGetFKeyList(comments))
    {
        const ForeignKeyCacheInfo *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        if (!is_checked_at_once(comments, key->conoid))
            continue;
        const std::span columns(key->conkey, key->nkeys);
        if (key->nkeys == 1 && columns[0] == table.comment_customer && key->confrelid == table.customers &&
            key->confkey[0] == table.key)
            table.reference_constraint = key->conoid;
        else if (std::ranges::find(columns, table.comment_reply_to) != columns.end() && matches_null(key->conoid))
            table.reply_constraint = key->conoid;
    }
}

bool
fires_on_origin(Relation relation, const char *function, Oid extension_schema)
{
    const Trigger *trigger = find_trigger(relation, function, extension_schema);
    return trigger != nullptr &&
           (trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN || trigger->tgenabled == TRIGGER_FIRES_ALWAYS);
}

// Fills in whether and how the direct access path serves the table.
void
describe_access(AttachedTable &table, AttrNumber lock_customer, Oid extension_schema)
{
    Relation customers = table_open(table.customers, NoLock);
    Relation comments = table_open(table.comments, NoLock);
    table.is_guarded = fires_on_origin(customers, "crm_customers_version", extension_schema) &&
                       fires_on_origin(customers, "crm_customers_history", extension_schema) &&
                       fires_on_origin(comments, "crm_comments_guard", extension_schema) &&
                       fires_on_origin(comments, "crm_comments_version", extension_schema);
    table.key_index = key_index(table, customers);
    describe_references(table, comments, extension_schema);
    table.comments_index = index_of(comments, {table.comment_customer, table.comment_id}, {table.key_type, INT8OID});
    table.kept_index =
        index_of(comments, {table.comment_customer, table.comment_refused_request}, {table.key_type, UUIDOID});
    Relation locks = table_open(table.locks, NoLock);
    table.locks_index = index_of(locks, {lock_customer}, {table.key_type});
    table_close(locks, NoLock);
    table.is_plain = OidIsValid(table.key_index.index) && is_plain(customers, CMD_UPDATE) && is_plain(comments, CMD_INSERT);
    Relation history = table_open(table.history, NoLock);
    table.history_index =
        index_of(history, {table.history_customer, table.history_version}, {table.key_type, TIMESTAMPTZOID});
    table.is_history_plain = is_plain(history, CMD_INSERT);
    table.is_changed_before_update = is_changed_before_update(customers, extension_schema);
    table.updates_alone = table.is_guarded && table.is_history_plain &&
                          is_alone(table, customers, CMD_UPDATE, extension_schema) &&
                          is_alone(table, history, CMD_INSERT, extension_schema);
    table.comments_alone = table.is_guarded && is_alone(table, comments, CMD_INSERT, extension_schema);
    table_close(history, NoLock);
    table_close(comments, NoLock);
    table_close(customers, NoLock);
}

// Fills in what the calls need to know of a table; what is wrong with one table must not hinder the others.
void
describe(AttachedTable &table, Oid extension_schema)
{
    const TableFacts customers = read_table(table.customers);
    const TableFacts comments = read_table(table.comments);
    const TableFacts history = read_table(table.history);
    const TableFacts locks = read_table(table.locks);
    read_columns(table, extension_schema);

    table.customers_owner = customers.owner;
    table.comments_owner = comments.owner;
    table.history_owner = history.owner;
    table.locks_owner = locks.owner;

    table.comment_customer = require_column(table.comments, "customer_id", table.key_type);
    table.comment_id = require_column(table.comments, "id", INT8OID);
    table.comment_author = require_column(table.comments, "author", TEXTOID);
    table.comment_body = require_column(table.comments, "body", TEXTOID);
    table.comment_created_at = require_column(table.comments, "created_at", TIMESTAMPTZOID);
    table.comment_based_on = require_column(table.comments, "based_on", TIMESTAMPTZOID);
    table.comment_save_refused = require_column(table.comments, "save_refused", BOOLOID);
    table.comment_refused_request = require_column(table.comments, "refused_request", UUIDOID);
    table.comment_adopted_version = require_column(table.comments, "adopted_version", TIMESTAMPTZOID);
    table.comment_expected_ts = require_column(table.comments, "expected_ts", TIMESTAMPTZOID);
    table.comment_reply_to = require_column(table.comments, "reply_to", INT8OID);

    table.history_customer = require_column(table.history, "customer_id", table.key_type);
    table.history_version = require_column(table.history, "version", TIMESTAMPTZOID);
    table.history_recorded_at = require_column(table.history, "recorded_at", TIMESTAMPTZOID);
    table.history_previous = require_column(table.history, "previous", TIMESTAMPTZOID);
    table.history_based_on = require_column(table.history, "based_on", TIMESTAMPTZOID);
    table.history_operation = require_column(table.history, "operation", TEXTOID);
    table.history_author = require_column(table.history, "author", TEXTOID);
    table.history_status_from = require_column(table.history, "status_from", TEXTOID);
    table.history_status_to = require_column(table.history, "status_to", TEXTOID);
    table.history_comment_id = require_column(table.history, "comment_id", INT8OID);
    table.history_db_user = require_column(table.history, "db_user", NAMEOID);
    table.history_fields = require_column(table.history, "fields", JSONBOID);
    table.history_request = require_column(table.history, "request", UUIDOID);
    table.history_earlier_pruned = require_column(table.history, "earlier_pruned", BOOLOID);

    const AttrNumber lock_customer = require_column(table.locks, "customer_id", table.key_type);
    table.lock_id = require_column(table.locks, "lock_id", UUIDOID);
    table.lock_author = require_column(table.locks, "author", TEXTOID);
    require_column(table.locks, "db_user", NAMEOID);
    table.lock_locked_at = require_column(table.locks, "locked_at", TIMESTAMPTZOID);
    table.lock_expires_at = require_column(table.locks, "expires_at", TIMESTAMPTZOID);

    describe_access(table, lock_customer, extension_schema);
    table.customers_path = kept(safe_path(table.customers));
    table.comments_path = kept(safe_path(table.comments));
    table.history_path = kept(safe_path(table.history));
    table.locks_path = kept(safe_path(table.locks));
    table.customers_sql = kept(customers.sql);
    table.comments_sql = kept(comments.sql);
    table.history_sql = kept(history.sql);
    table.locks_sql = kept(locks.sql);
    table.key_sql = kept(quote_identifier(get_attname(table.customers, table.key, false)));
    table.status_sql = kept(quote_identifier(get_attname(table.customers, table.status, false)));
    table.version_sql = kept(quote_identifier(get_attname(table.customers, table.version, false)));
    table.is_described = true;
}

std::optional<Datum>
registry_value(Relation registry, HeapTuple tuple, const char *column)
{
    bool is_null;
    const AttrNumber attribute = get_attnum(RelationGetRelid(registry), column);
    const Datum value = heap_getattr(tuple, attribute, RelationGetDescr(registry), &is_null);
    if (is_null)
        return std::nullopt;
    return value;
}

// Opens the registry, the one that is there when its lock is granted: meanwhile the extension may have gone, and come again.
Relation
open_registry(Oid extension_schema)
{
    for (;;)
    {
        const Oid registry = registry_table(extension_schema);
        LockRelationOid(registry, AccessShareLock);
        if (registry_table(extension_schema) == registry)
            return table_open(registry, NoLock);
        UnlockRelationOid(registry, AccessShareLock);
    }
}

// Reads the registry into the current context, the newest row of each customers table that still exists.
void
read_registry(Reading &reading, Oid extension_schema)
{
    int capacity = 8;
    reading.tables = static_cast<AttachedTable *>(palloc0(capacity * sizeof(AttachedTable)));

    Relation registry = open_registry(extension_schema);
    reading.registry = RelationGetRelid(registry);
    SysScanDesc scan = systable_beginscan(registry, InvalidOid, false, nullptr, 0, nullptr);
    for (HeapTuple row; HeapTupleIsValid(row = systable_getnext(scan));)
    {
        AttachedTable table = {};
        table.customers = DatumGetObjectId(*registry_value(registry, row, "customers"));
        table.comments = DatumGetObjectId(*registry_value(registry, row, "comments"));
        table.history = DatumGetObjectId(*registry_value(registry, row, "history"));
        table.locks = DatumGetObjectId(*registry_value(registry, row, "locks"));
        if (const std::optional<Datum> column = registry_value(registry, row, "comments_column"))
            table.comments_column = pstrdup(NameStr(*DatumGetName(*column)));
        table.refuses_plain_updates = text_of(*registry_value(registry, row, "plain_updates")) == "refuse";
        table.attached_at = {DatumGetTimestampTz(*registry_value(registry, row, "attached_at"))};
        table.schema = get_rel_namespace(table.customers);
        if (!OidIsValid(table.schema))
        {
            reading.missing = lappend_oid(reading.missing, table.customers);
            continue;
        }

        int i = 0;
        while (i < reading.count && reading.tables[i].customers != table.customers)
            i++;
        if (i < reading.count && reading.tables[i].attached_at > table.attached_at)
            continue;
        if (i == capacity)
        {
            capacity *= 2;
            reading.tables = static_cast<AttachedTable *>(repalloc(reading.tables, capacity * sizeof(AttachedTable)));
        }
        reading.tables[i] = table;
        reading.count = std::max(reading.count, i + 1);
    }
    systable_endscan(scan);
    table_close(registry, AccessShareLock);
}

void
read_again(Oid extension_schema)
{
    // A change that arrives while the registry is being read must not be missed.
    stale = false;

    MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "crm_concurrency attached tables",
                                                  ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(context);
    Reading *reading = static_cast<Reading *>(palloc0(sizeof(Reading)));
    reading->context = context;

    read_registry(*reading, extension_schema);
    MemoryContextSwitchTo(caller);

    MemoryContextSetParent(context, CacheMemoryContext);
    if (current != nullptr)
    {
        current->replaced_during = transaction_number();
        current->next = replaced;
        replaced = current;
    }
    current = reading;
}

void
refresh(Oid extension_schema)
{
    if (replaced != nullptr)
        free_replaced_readings();
    if (!stale && current != nullptr)
        return;
    // If reading fails, the next call must try again.
    PG_TRY();
    {
        read_again(extension_schema);
    }
    PG_CATCH();
    {
        stale = true;
        PG_RE_THROW();
    }
    PG_END_TRY();
}

bool
fires(const Trigger &trigger)
{
    if (trigger.tgenabled == TRIGGER_FIRES_ALWAYS)
        return true;
    return trigger.tgenabled == (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA
                                     ? TRIGGER_FIRES_ON_REPLICA
                                     : TRIGGER_FIRES_ON_ORIGIN);
}

void
require_trigger(Relation relation, const char *function, Oid extension_schema)
{
    const Trigger *trigger = find_trigger(relation, function, extension_schema);
    if (trigger == nullptr)
        errors::missing_trigger(RelationGetRelid(relation), function);
    if (!fires(*trigger))
        errors::disabled_trigger(RelationGetRelid(relation), trigger->tgname);
}

// The attached table of a schema, or nullptr; there must not be more than one.
AttachedTable *
find_in_schema(Oid schema)
{
    AttachedTable *found = nullptr;
    for (int i = 0; i < current->count; i++)
    {
        if (current->tables[i].schema != schema)
            continue;
        if (found != nullptr)
            errors::ambiguous_schema(schema);
        found = &current->tables[i];
    }
    return found;
}

AttachedTable *
find_by_search_path()
{
    AttachedTable *found = nullptr;
    List *schemas = fetch_search_path(false);
    ListCell *cell;
    foreach (cell, schemas)
    {
        if (found == nullptr && !isAnyTempNamespace(lfirst_oid(cell)))
            found = find_in_schema(lfirst_oid(cell));
    }
    list_free(schemas);
    return found;
}

// The attached table that has this relation as its customers, comments or history, or nullptr.
AttachedTable *
find_by_member(Oid AttachedTable::*member, Oid relation)
{
    for (int i = 0; i < current->count; i++)
        if (current->tables[i].*member == relation)
            return &current->tables[i];
    return nullptr;
}

// Finds a table and locks it with what belongs to it, as the statements to come will, so that what is known of it stays
// true until the transaction ends. Returns nullptr when find() does not find it.
template <typename Find>
AttachedTable *
find_and_lock(Find find, Oid extension_schema)
{
    for (;;)
    {
        AcceptInvalidationMessages();
        refresh(extension_schema);
        AttachedTable *table = find();
        if (table != nullptr)
            for (Oid member : {table->customers, table->comments, table->history, table->locks})
                LockRelationOid(member, RowExclusiveLock);
        // Reading, and waiting for the locks, may have brought news.
        if (stale)
            continue;
        if (table != nullptr && !table->is_described)
        {
            // What a description that fails has taken goes with its reading.
            PG_TRY();
            {
                const int settings = fix_formats();
                describe(*table, extension_schema);
                AtEOXact_GUC(true, settings);
            }
            PG_CATCH();
            {
                stale = true;
                PG_RE_THROW();
            }
            PG_END_TRY();
        }
        return table;
    }
}

// What is made of a table for its first write and serves the later ones; nullptr when the transaction itself has just changed
// the tables.
template <typename Make>
const PreparedWrite *
prepared_once(PreparedWrite *&slot, Make make)
{
    if (stale)
        return nullptr;
    if (slot != nullptr)
        return slot;
    const MemoryContext caller = MemoryContextSwitchTo(current->context);
    slot = make(get_rel_namespace(current->registry));
    MemoryContextSwitchTo(caller);
    return slot;
}

// What serves writes of one of the tables without the triggers that have nothing to do.
const PreparedWrite *
prepared_alone(const AttachedTable &table, PreparedWrite *&slot, Relation relation, CmdType command)
{
    return prepared_once(slot, [&](Oid extension_schema) {
        List *without = NIL;
        for (const Trigger &trigger : triggers_of(relation))
            if (has_nothing_to_do(table, trigger, command, extension_schema))
                without = lappend_oid(without, trigger.tgoid);
        return prepare_write(relation, command, NIL, without);
    });
}

}  // namespace

void
watch_attached_tables()
{
    CacheRegisterRelcacheCallback(relation_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, static_cast<Datum>(0));
}

AttachedTable &
attached_by_search_path(Oid extension_schema)
{
    AttachedTable *table = find_and_lock(find_by_search_path, extension_schema);
    if (table == nullptr)
        errors::nothing_attached();
    return *table;
}

AttachedTable *
attached_by_member(Oid AttachedTable::*member, Oid relation, Oid extension_schema)
{
    if (AttachedTable *table = innermost_save == nullptr || stale ? nullptr : innermost_save->table)
        if (table->*member == relation && find_by_member(member, relation) == table)
            return table;
    return find_and_lock([=] { return find_by_member(member, relation); }, extension_schema);
}

Oid
attached_in_schema(Oid schema, Oid extension_schema)
{
    AcceptInvalidationMessages();
    refresh(extension_schema);
    const AttachedTable *table = find_in_schema(schema);
    return table == nullptr ? InvalidOid : table->customers;
}

List *
attached_customers(Oid extension_schema)
{
    AcceptInvalidationMessages();
    refresh(extension_schema);
    List *customers = NIL;
    for (int i = 0; i < current->count; i++)
        customers = lappend_oid(customers, current->tables[i].customers);
    return customers;
}

const AttachedTable *
registered(Oid customers, Oid extension_schema)
{
    AcceptInvalidationMessages();
    refresh(extension_schema);
    return find_by_member(&AttachedTable::customers, customers);
}

void
require_triggers(const AttachedTable &table, Oid extension_schema)
{
    if (table.is_guarded && SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA)
        return;
    Relation customers = table_open(table.customers, NoLock);
    require_trigger(customers, "crm_customers_version", extension_schema);
    require_trigger(customers, "crm_customers_history", extension_schema);
    table_close(customers, NoLock);

    Relation comments = table_open(table.comments, NoLock);
    require_trigger(comments, "crm_comments_guard", extension_schema);
    require_trigger(comments, "crm_comments_version", extension_schema);
    table_close(comments, NoLock);
}

const Trigger *
find_trigger(Relation relation, const char *function, Oid extension_schema)
{
    const TriggerDesc *triggers = relation->trigdesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
    {
        const Trigger &trigger = triggers->triggers[i];
        if (get_func_namespace(trigger.tgfoid) != extension_schema)
            continue;
        const char *name = get_func_name(trigger.tgfoid);
        if (name != nullptr && std::strcmp(name, function) == 0)
            return &trigger;
    }
    return nullptr;
}

const PreparedWrite *
prepared_write(PreparedWrite *&slot, Relation relation, CmdType command)
{
    return prepared_once(slot, [&](Oid extension_schema) {
        List *own = NIL;
        for (const Trigger &trigger : triggers_of(relation))
            if (is_own(trigger, extension_schema))
                own = lappend_oid(own, trigger.tgfoid);
        return prepare_write(relation, command, own);
    });
}

const PreparedWrite *
prepared_update(AttachedTable &table, Relation customers)
{
    if (!table.updates_alone)
        return nullptr;
    // Functions of others that are called when a change is recorded are called by a trigger.
    Relation history = table_open(table.history, NoLock);
    const PreparedWrite *record = prepared_write(table.history_write, history, CMD_INSERT);
    table_close(history, NoLock);
    if (record == nullptr || record->calls_others)
        return nullptr;
    return prepared_alone(table, table.update_alone, customers, CMD_UPDATE);
}

const PreparedWrite *
prepared_comment(AttachedTable &table, Relation comments)
{
    return table.comments_alone ? prepared_alone(table, table.comment_alone, comments, CMD_INSERT) : nullptr;
}

Oid
extension_schema_of(FunctionCallInfo fcinfo)
{
    const Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);
    if (!OidIsValid(schema))
        errors::extension_dropped();
    return schema;
}

Oid
registry_table(Oid extension_schema)
{
    const Oid registry = get_relname_relid("crm_attached_tables", extension_schema);
    if (!OidIsValid(registry))
        errors::extension_dropped();
    return registry;
}

}  // namespace crm
