#include "screening.h"

#include "version.h"

namespace crm::core {

void
Screening::begin()
{
    is_suspect = false;
    lacks_comment = false;
    customer.reset();
    last.reset();
    comments.clear();
    refusals.clear();
    requests.clear();
    adoptions.clear();
}

void
Screening::add(const StoredCustomer &row)
{
    suspect_unless(!customer && row.version && is_possible_version(*row.version));
    customer = row;
}

void
Screening::add(const StoredComment &comment)
{
    suspect_unless(customer && comment.id && !(comment.save_refused && comment.adopted_version));
    if (comment.reply_to)
        suspect_unless(std::binary_search(comments.begin(), comments.end(), *comment.reply_to));
    if (comment.id)
    {
        suspect_unless(comments.begin() == comments.end() || comments.end()[-1] < *comment.id);
        suspect_unless(comments.add(*comment.id));
    }
    if (comment.refusal)
        suspect_unless(refusals.add(*comment.refusal));
    if (comment.adopted_version)
        suspect_unless(adoptions.add(comment.adopted_version->us));
}

// What was adopted by changes that are not kept is not known.
void
Screening::begin_changes(Timestamp oldest)
{
    std::sort(adoptions.begin(), adoptions.end());
    adoption = std::lower_bound(adoptions.begin(), adoptions.end(), oldest.us);
}

void
Screening::look_for_adoptions_before(Timestamp version)
{
    suspect_unless(adoption == adoptions.end() || *adoption >= version.us);
    while (adoption != adoptions.end() && *adoption <= version.us)
        ++adoption;
}

void
Screening::add(const StoredChange &change)
{
    if (!change.version || !is_possible_version(*change.version))
    {
        is_suspect = true;
        return;
    }
    if (last)
        suspect_unless(change.previous == last->version && !change.earlier_pruned &&
                       change.status_from == last->status_to);
    else
        begin_changes(*change.version);
    if (change.previous)
        suspect_unless(is_successor(*change.version, *change.previous));
    look_for_adoptions_before(*change.version);
    // A customer's comments went with it, that of the deletion itself, too.
    if (change.is_deletion)
        lacks_comment = false;
    else if (change.comment_id && !std::binary_search(comments.begin(), comments.end(), *change.comment_id))
        lacks_comment = true;
    if (change.request)
        suspect_unless(requests.add(*change.request));
    last = change;
}

bool
Screening::end()
{
    if (last)
    {
        suspect_unless(adoption == adoptions.end());
        if (last->is_deletion)
            suspect_unless(!customer);
        else
            suspect_unless(customer && customer->version == last->version && customer->status == last->status_to);
    }
    suspect_unless(!(customer && lacks_comment));
    // A version with two successors follows a wrong one in one of them.
    return is_suspect || refusals.has_duplicates() || requests.has_duplicates();
}

}  // namespace crm::core
