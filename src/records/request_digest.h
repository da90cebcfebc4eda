#pragma once

#include "../core/decision.h"
#include "../tables/key.h"

namespace crm {

// A digest of what a save asks, but for its base, which the history keeps beside it: the first half of a SHA-256 as a
// uuid. Two requests with the same digest and base are one request that was sent twice.
Datum request_digest(const Key &key, const core::Request &request);

// A digest of a save's comment alone, customer and author included: the request's comment must be there. It finds the comment
// again that a refused save left, whatever other triggers made of its text.
Datum comment_digest(const Key &key, const core::Request &request);

}  // namespace crm
