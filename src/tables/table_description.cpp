#include "table_description.h"

namespace crm {

namespace {

// The member of tables for a part.
template <typename Member, typename Tables>
Member *
part_of(Tables &tables, Part part)
{
    switch (part)
    {
        case Part::customers:
            return &tables.customers;
        case Part::comments:
            return &tables.comments;
        case Part::history:
            return &tables.history;
        case Part::locks:
            return &tables.locks;
        case Part::deletions:
            return &tables.deletions;
        case Part::comment_edits:
            return &tables.comment_edits;
        case Part::refused_saves:
            return &tables.refused_saves;
    }
    pg_unreachable();
}

}  // namespace

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

Oid &
Members::operator[](Part part)
{
    return *part_of<Oid>(*this, part);
}

const PartFacts &
TableDescription::operator[](Part part) const
{
    return *part_of<const PartFacts>(*this, part);
}

SPIPlanPtr &
TableDescription::plan(const void *of)
{
    KeptPlan *kept = plans;
    while (kept != nullptr && kept->of != of)
        kept = kept->next;
    if (kept == nullptr)
    {
        // While one is made, others may be asked for.
        kept = static_cast<KeptPlan *>(MemoryContextAlloc(context, sizeof(KeptPlan)));
        *kept = {of, nullptr, plans};
        plans = kept;
    }
    return kept->plan;
}

SPIPlanPtr *
TableDescription::plan_of_text(const char *text)
{
    for (KeptTextPlan &kept : text_plans)
    {
        if (kept.text == nullptr)
            kept.text = MemoryContextStrdup(context, text);
        if (std::strcmp(kept.text, text) == 0)
            return &kept.plan;
    }
    return nullptr;
}

bool
TableDescription::has_facts_of(const TableDescription &newer) const
{
    const auto same = []<typename Description>(const Description &a, const Description &b) {
        return static_cast<const typename Description::Facts &>(a) ==
               static_cast<const typename Description::Facts &>(b);
    };
    return same(customers, newer.customers) && same(comments, newer.comments) && same(history, newer.history) &&
           same(locks, newer.locks) && deletions == newer.deletions && comment_edits == newer.comment_edits &&
           refused_saves == newer.refused_saves && schema == newer.schema && comments_column == newer.comments_column &&
           registered_merge_groups == newer.registered_merge_groups &&
           registered_also_bump == newer.registered_also_bump && refuses_plain_updates == newer.refuses_plain_updates &&
           same_columns(columns, newer.columns);
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

}  // namespace crm
