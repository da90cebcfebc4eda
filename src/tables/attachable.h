#pragma once

#include "attachment.h"
#include "own_triggers.h"

namespace crm {

// The columns of a table that can be attached.
struct AttachableColumns
{
    AttrNumber key;
    AttrNumber status;
    AttrNumber version;  // invalid when the column is to be added
};

// Checks that a table can be attached as it is, and raises the reason where it cannot.
AttachableColumns require_attachable(const AttachRequest &request);

// Raises when a BEFORE row trigger of the relation fires after this one of ours.
void require_fires_last(Oid relation, const OwnTrigger &own);

}  // namespace crm
