#include "request_digest.h"

#include <nettle/sha2.h>

namespace crm {

namespace {

// Each part is preceded by whether it is there and by its length, so that no two requests give the same bytes.
void
add_part(sha256_ctx &digest, std::optional<std::string_view> part)
{
    std::uint8_t head[5] = {part.has_value()};
    if (!part)
    {
        sha256_update(&digest, 1, head);
        return;
    }
    const std::uint32_t length = static_cast<std::uint32_t>(part->size());
    for (int i = 0; i < 4; i++)
        head[i + 1] = static_cast<std::uint8_t>(length >> (8 * i));
    sha256_update(&digest, sizeof head, head);
    sha256_update(&digest, part->size(), reinterpret_cast<const std::uint8_t *>(part->data()));
}

// The first half of the SHA-256 of the parts. The server's own function for it goes through OpenSSL's envelope, which looks for
// the algorithm anew each time.
Datum
digest_of(std::initializer_list<std::optional<std::string_view>> parts)
{
    sha256_ctx digest;
    sha256_init(&digest);
    for (const std::optional<std::string_view> &part : parts)
        add_part(digest, part);
    pg_uuid_t *uuid = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
    sha256_digest(&digest, UUID_LEN, uuid->data);
    return UUIDPGetDatum(uuid);
}

std::optional<std::string_view>
reply_text(const core::Request &request)
{
    if (!request.reply_to)
        return std::nullopt;
    return psprintf("%lld", static_cast<long long>(*request.reply_to));
}

}  // namespace

Datum
request_digest(const Key &key, const core::Request &request)
{
    // The status of an undoing is found out anew each time, and may be another when it is repeated.
    const auto status = request.intent == core::Intent::reversion ? std::nullopt : request.status;
    return digest_of({key_text(key), request.author, status, request.comment, reply_text(request), request.fields});
}

Datum
comment_digest(const Key &key, const core::Request &request)
{
    return digest_of({key_text(key), request.author, request.comment, reply_text(request)});
}

}  // namespace crm
