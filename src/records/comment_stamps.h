#pragma once

#include "../boundary/clock.h"
#include "save_in_progress.h"

namespace crm {

// What the extension alone says of a new comment, whatever was given.
struct CommentStamps
{
    core::Timestamp created_at;
    std::optional<core::Timestamp> based_on = std::nullopt;
    std::optional<Datum> refused_request = std::nullopt;  // when it is kept from a refused save
};

inline CommentStamps
stamps_of(const SaveInProgress &save)
{
    const bool has_base = save.step == Step::insert_comment;
    return {clock_now(), has_base ? std::optional{save.based_on} : std::nullopt, save.refused_request};
}

// Calls set(column, value) for each column that is stamped; the value is empty for NULL.
template <typename Set>
void
each_stamp(const Comments &comments, const CommentStamps &stamps, Set set)
{
    const auto &based_on = stamps.based_on;
    set(comments.created_at, std::optional{TimestampTzGetDatum(stamps.created_at.us)});
    set(comments.based_on, based_on ? std::optional{TimestampTzGetDatum(based_on->us)} : std::nullopt);
    set(comments.save_refused, std::optional{BoolGetDatum(stamps.refused_request.has_value())});
    set(comments.refused_request, stamps.refused_request);
    set(comments.adopted_version, std::optional<Datum>{});
    set(comments.expected_ts, std::optional<Datum>{});
}

}  // namespace crm
