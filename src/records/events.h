#pragma once

#include "../core/timestamp.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

// Change events, sent in the transaction that makes the change, as crm_concurrency.events says. They carry ids only:
// what changed is read with the reader's own rights.
namespace crm {

// A customer got a version; operation as in the history.
void send_version_event(const AttachedTable &table, const Key &key, core::Timestamp version, std::string_view operation,
                        std::optional<std::int64_t> comment_id);

// A comment was stored; or the operation changed its text.
void send_comment_event(const AttachedTable &table, const Key &key, std::int64_t comment_id,
                        std::optional<std::string_view> operation = std::nullopt);

// A comment kept from a refused save was adopted by the save that made this version.
void send_adoption_event(const AttachedTable &table, const Key &key, std::int64_t comment_id, core::Timestamp version);

// An edit lock was taken or renewed.
void send_lock_event(const AttachedTable &table, const Key &key);

// An edit lock was released, or ended by force.
void send_unlock_event(const AttachedTable &table, const Key &key, bool is_forced);

}  // namespace crm
