#include "request_digest.h"

namespace crm {

namespace {

// Each part is preceded by whether it is there and by its length, so that no two requests give the same bytes.
void
append_part(StringInfo bytes, std::optional<std::string_view> part)
{
    appendStringInfoChar(bytes, part ? 1 : 0);
    if (!part)
        return;
    const std::uint32_t length = static_cast<std::uint32_t>(part->size());
    for (int shift = 0; shift < 32; shift += 8)
        appendStringInfoChar(bytes, static_cast<char>(length >> shift));
    appendBinaryStringInfo(bytes, part->data(), static_cast<int>(part->size()));
}

Datum
digest_of(std::initializer_list<std::optional<std::string_view>> parts)
{
    StringInfoData bytes;
    initStringInfo(&bytes);
    for (const std::optional<std::string_view> &part : parts)
        append_part(&bytes, part);

    bytea *input = reinterpret_cast<bytea *>(cstring_to_text_with_len(bytes.data, bytes.len));
    const bytea *digest = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(input)));
    pg_uuid_t *uuid = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));
    std::memcpy(uuid->data, VARDATA_ANY(digest), UUID_LEN);
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
    return digest_of(
        {key_text(key), request.author, request.status, request.comment, reply_text(request), request.fields});
}

Datum
comment_digest(const Key &key, const core::Request &request)
{
    return digest_of({key_text(key), request.author, request.comment, reply_text(request)});
}

}  // namespace crm
