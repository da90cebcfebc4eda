#pragma once

#include "../core/timestamp.h"

// The settings crm_concurrency.*.
namespace crm::settings {

enum OnConflict : int
{
    on_conflict_return,
    on_conflict_raise,
};

enum KeepRefused : int
{
    keep_comment,
    keep_all,
};

enum Events : int
{
    events_off,
    events_notify,
    events_logical,
};

enum AccessPath : int
{
    access_path_auto,
    access_path_spi,
};

// Registers the settings with the server.
void define();

// What a refused save does: return a row with the outcome, or raise PT409.
OnConflict on_conflict();

// What of a refused save is kept: its comment, or all that it asked for.
KeepRefused keep_refused();

// Where the authenticated user is found, in a form that core::parse_author_setting() reads.
const char *author_setting();

// In which form change events are sent.
Events events();

// Whether a save from an old base is merged where the call does not say.
bool merge();

// How long a comment kept from a refused save waits to be adopted by the next one with the same words.
core::Microseconds refused_comment_window();

// How long the same comment, added again without a save, counts as the same one.
core::Microseconds repeated_comment_window();

// The most characters a comment may have.
int max_comment_length();

// How rows are read and written: access_path_auto takes the direct path where that is possible.
AccessPath access_path();

// Whether the owner may truncate customers and comments.
bool allow_truncate();

}  // namespace crm::settings
