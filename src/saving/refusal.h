#pragma once

#include "attempt.h"

// What a save is told that changes nothing.
namespace crm {

// Answers a request that was applied before; row is the customer as it is, none when it is gone.
SaveResult replayed(const Attempt &save, const AppliedRequest &applied, const std::optional<CustomerRow> &row);

// Answers a save whose customer the caller does not see.
SaveResult missing(const Attempt &save);

// Answers a save whose base is not the customer's version, or that a lock refuses. Empty when the customer went in the
// meantime, or when row security does not let the caller refer to it.
std::optional<SaveResult> refuse(const Attempt &save, const CustomerRow &row, const std::optional<EditLock> &lock);

// Raises the conflict, or the lock that refuses the save, unless the customer went in the meantime.
void raise_refusal(const Attempt &save, const std::optional<EditLock> &lock);

}  // namespace crm
