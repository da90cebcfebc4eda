#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "timestamp.h"

// What a save means: from what was asked and what is there to what becomes of it. Everything here is plain data that
// refers to text owned by the caller.
namespace crm::core {

enum class Outcome
{
    updated,
    merged,
    unchanged,
    replayed,
    conflict,
    locked,
    gone,
    not_found,
    deleted,
    restored,
    failed_dependency,
};

// The outcome's name in SQL.
std::string_view name(Outcome outcome);

// The outcome as an HTTP status code (RFC 9110, and RFC 4918 for 424).
int http_status(Outcome outcome);

// Whether what was asked is not there, for one of the reasons that a client has to look at.
bool is_refusal(Outcome outcome);

// What a request is about.
enum class Intent
{
    save,
    deletion,
    restoration,
    reversion,
    check,
    resolution,  // of a refused save that was kept: a save of what is chosen of it
};

// What a caller asks of a save, or of the deletion of a customer, which is checked and recorded like one.
struct Request
{
    Timestamp base;
    std::optional<std::string_view> status;   // none: leave it
    std::optional<std::string_view> comment;  // none: no comment
    std::string_view author;
    std::optional<std::int64_t> reply_to;  // the comment that the comment answers
    std::string_view fields;               // the other columns asked for, in one form for what means the same
    bool merge;                            // whether an old base may be merged
    Intent intent = Intent::save;
};

// What is there of a customer.
struct Current
{
    Timestamp version;
    std::optional<std::string_view> status;  // none: it is null
    bool fields_differ = false;              // whether one of the other columns asked for has another value
};

// Whether the save asks for a status that differs from what is there.
bool changes_status(const Request &request, const Current &current);

// What the outcome of a save, or of a deletion, is decided by. What the order of decide() does not reach may be left out.
struct Situation
{
    bool is_visible;        // the caller sees the customer
    bool is_filtered;       // by row security, which tells nobody what it hides
    bool is_in_history;     // the customer was there once
    bool is_applied;        // this very request was applied before
    bool is_current;        // the base is the customer's version
    bool can_be_merged;     // with what others changed since the base
    bool is_locked;         // somebody else has a live edit lock
    bool changes_anything;  // something is asked for that is not there already
};

// The situation of a save of a customer that is there, before anything is known of its history and edit locks.
Situation situation_of(const Request &request, const Current &current);

// The outcome of a request that is no restoration.
Outcome decide(const Situation &situation, Intent intent = Intent::save);

// The value of a field; none: it is null.
using Value = std::optional<std::string_view>;

// What becomes of one field that the caller asks for, when others may have changed it since the caller's base.
enum class Merge
{
    leave,    // the caller does not change it, or it is as asked already
    write,    // nobody else changed it
    collide,  // the caller and others changed it to different values
};

// The three-way merge of one field. was is the value at the caller's base, nullopt when that is not known.
Merge merge(const std::optional<Value> &was, const Value &mine, const Value &theirs);

// A column of a group whose columns belong together and merge as one field.
struct GroupColumn
{
    std::optional<Value> was;   // at the caller's base, nullopt when that is not known
    std::optional<Value> mine;  // nullopt: not asked for, and so what it was
    Value theirs;

    bool is_changed_by_caller() const;
    bool is_changed_by_others() const;  // to another value than the caller's
};

// Whether the caller and others changed a group: merged column by column it would hold values that nobody put together.
bool collide(std::span<const GroupColumn> group);

// Whether a time lies less than a window before the clock. It may lie as far ahead, of a clock that was set back since.
bool is_within(Timestamp t, Timestamp clock, Microseconds window);

// A comment kept from a refused save; adopted_version is set once a later save took it over.
struct KeptComment
{
    Timestamp based_on;
    Timestamp created_at;
    std::optional<Timestamp> adopted_version;
};

// Whether a refused save with the same author and text from base repeats the one that left this comment: the same
// request at any time, another base within the window. A base at or after the adoption has seen it and repeats nothing.
bool repeats(const KeptComment &kept, Timestamp base, Timestamp clock, Microseconds window);

// Whether a save with the same author and text that succeeds now takes this comment over instead of storing it again.
bool adopts(const KeptComment &kept, Timestamp clock, Microseconds window);

}  // namespace crm::core
