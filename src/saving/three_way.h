#pragma once

#include "../records/changes_since.h"
#include "../records/fields.h"
#include "access_path.h"

// What a save asks beside what is there and what was there at its base, field by field.
namespace crm {

struct ThreeWay
{
    const char *name;
    const Field *field;  // nullptr for the status
    std::optional<core::Value> was;
    core::Value mine;
    core::Value theirs;
    MergeGroup group = {};
    bool is_asked = true;     // or of a merge group that the save touches: mine is what was
    bool is_readable = true;  // for the caller; else theirs is not known
    bool group_collides = false;

    core::Merge merged() const;
};

using ThreeWays = std::span<const ThreeWay>;

// The status, where it is asked for, and the fields of a save beside what is there; what was is not known.
ThreeWays compare(const AttachedTable &table, const core::Request &request, Fields fields,
                  const ReadableCustomer &customer);

// compare() for a save that has the current version as its base.
ThreeWays compare_with_current(const AttachedTable &table, const core::Request &request, Fields fields,
                               const ReadableCustomer &customer);

// compare() for a save whose base is older, by what the history tells, with the other columns of the merge groups that it
// touches.
ThreeWays compare_with_base(const AttachedTable &table, const core::Request &request, Fields watched,
                            const ReadableCustomer &customer, const ChangesSince &changes);

}  // namespace crm
