#pragma once

#include "../saving/saving.h"
#include "arguments.h"
#include "results.h"

// What the functions that save customers share.
namespace crm {

// A save as it was asked for, none of it checked.
struct SaveArguments
{
    std::optional<core::Timestamp> base;
    std::optional<std::string_view> status;
    std::optional<std::string_view> comment;
    std::optional<std::string_view> author;
    std::optional<bool> merge;
    std::optional<std::int64_t> reply_to;
};

// A comment as it is stored: none where it is blank; raises 22001.
inline std::optional<std::string_view>
checked_comment(std::optional<std::string_view> comment)
{
    if (!comment || is_blank(*comment))
        return std::nullopt;
    check_comment_length(*comment);
    return comment;
}

// Checks the arguments of a save; raises PT428, 22004, 22023 and 22001.
inline core::Request
checked_request(const SaveArguments &arguments)
{
    if (!arguments.base)
        errors::null_base();

    core::Request request = {};
    request.base = *arguments.base;
    request.status = arguments.status;
    request.author = require_author(arguments.author);

    if (request.status)
        require_text(request.status, "status", "Pass NULL to leave the status as it is.");
    request.comment = checked_comment(arguments.comment);
    request.merge = arguments.merge.value_or(settings::merge());
    if (arguments.reply_to && !request.comment)
        errors::reply_without_comment();
    request.reply_to = arguments.reply_to;
    return request;
}

// What is checked of a request for a deletion is all of it. No fields of a save read so: a deletion is never taken for the save with
// the same comment.
inline core::Request
checked_deletion(const SaveArguments &arguments)
{
    core::Request request = checked_request(arguments);
    request.merge = false;
    request.intent = core::Intent::deletion;
    request.fields = "delete";
    return request;
}

// The values of a result row, in order.
struct RowValues
{
    static constexpr int capacity = 8;
    Datum values[capacity] = {};
    bool nulls[capacity] = {};
    int count = 0;

    void add(std::optional<Datum> value)
    {
        nulls[count] = !value;
        values[count++] = value.value_or(static_cast<Datum>(0));
    }

    void add(std::optional<std::string_view> text)
    {
        add(text ? std::optional<Datum>{text_datum(*text)} : std::nullopt);
    }

    // The columns of crm_update_result.
    void add(const SaveResult &result)
    {
        add(std::optional<std::string_view>{core::name(result.outcome)});
        add(std::optional<Datum>{Int32GetDatum(core::http_status(result.outcome))});
        add(result.status);
        add(result.version ? std::optional<Datum>{TimestampTzGetDatum(result.version->us)} : std::nullopt);
        add(result.comment_id ? std::optional<Datum>{Int64GetDatum(*result.comment_id)} : std::nullopt);
        add(std::optional<std::string_view>{result.message});
        add(result.detail);
    }
};

// Runs a save with SPI connected, and returns its result as the row that the function returns.
template <typename Save>
Datum
row_of_save(FunctionCallInfo fcinfo, Save save)
{
    const TupleDesc columns = result_columns(fcinfo);
    return in_spi([&](MemoryContext caller) {
        const SaveResult result = save();
        return made_in(caller, [&] {
            RowValues row;
            row.add(result);
            return result_row(columns, row.values, row.nulls);
        });
    });
}

}  // namespace crm
