#include "library_version.h"

#include "errors.h"

namespace crm {

void
require_served_version()
{
    Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
    ScanKeyData named[1];
    ScanKeyInit(&named[0], Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
                CStringGetDatum("crm_concurrency"));
    SysScanDesc scan = systable_beginscan(extensions, ExtensionNameIndexId, true, nullptr, 1, named);
    const char *version = nullptr;
    if (const HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row))
    {
        bool is_null;
        const Datum value = heap_getattr(row, Anum_pg_extension_extversion, RelationGetDescr(extensions), &is_null);
        version = TextDatumGetCString(value);
    }
    systable_endscan(scan);
    table_close(extensions, AccessShareLock);

    // It may be being dropped.
    if (version == nullptr || std::strcmp(version, library_version) == 0)
        return;
    for (const char *served : earlier_versions)
        if (std::strcmp(version, served) == 0)
            return;
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("the library of crm_concurrency is version %s, the SQL objects are %s", library_version, version),
             errdetail("They do not work together. Nothing was done."),
             errhint("Run ALTER EXTENSION crm_concurrency UPDATE where the library is the newer one; or else install "
                     "the library of version %s, and reconnect.",
                     version)));
}

}  // namespace crm
