#include "identity.h"

#include "../core/author_setting.h"
#include "encoding.h"
#include "errors.h"
#include "settings.h"
#include "spi.h"

namespace crm {

namespace {

// Calls a function that may return NULL.
std::optional<Datum>
call(PGFunction function, std::initializer_list<Datum> arguments)
{
    LOCAL_FCINFO(fcinfo, 2);
    InitFunctionCallInfoData(*fcinfo, nullptr, static_cast<short>(arguments.size()), InvalidOid, nullptr, nullptr);
    int i = 0;
    for (const Datum argument : arguments)
        fcinfo->args[i++] = {argument, false};
    const Datum result = function(fcinfo);
    if (fcinfo->isnull)
        return std::nullopt;
    return result;
}

// One key of a JSON object, when it is a string or a number. Text that is no JSON has none.
std::optional<std::string_view>
find_key(const char *json, std::string_view key)
{
    if (!is_valid_json(json))
        return std::nullopt;
    const Datum object = text_datum(json);
    const Datum name = text_datum(key);
    const std::optional<Datum> value = call(json_object_field, {object, name});
    if (!value)
        return std::nullopt;
    const std::string_view type = text_of(*call(json_typeof, {*value}));
    if (type != "string" && type != "number")
        return std::nullopt;
    return text_of(*call(json_object_field_text, {object, name}));
}

std::optional<std::string_view>
find(const core::AuthorSetting &source)
{
    using Source = core::AuthorSetting::Source;

    if (source.source == Source::session_user)
        return GetUserNameFromId(GetSessionUserId(), false);
    const char *value = GetConfigOption(pnstrdup(source.setting.data(), source.setting.size()), true, false);
    if (value == nullptr)
        return std::nullopt;
    const std::optional<std::string_view> name =
        source.source == Source::json_key ? find_key(value, source.key) : std::optional<std::string_view>{value};
    return name && !is_blank(*name) ? name : std::nullopt;
}

core::AuthorSetting
source()
{
    // Its check hook let nothing else in.
    return *core::parse_author_setting(settings::author_setting());
}

}  // namespace

bool
has_identity_source()
{
    return settings::author_setting()[0] != '\0';
}

std::string_view
require_identity()
{
    const std::optional<std::string_view> name = find(source());
    if (!name)
        ereport(
            ERROR,
            (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION), errmsg("no authenticated user is set"),
             errdetail("crm_concurrency.author_setting is \"%s\", and names nobody now.", settings::author_setting()),
             errhint("Let the backend set it when it has checked who the user is, for one transaction: SELECT "
                     "set_config(..., ..., true).")));
    return *name;
}

std::optional<std::string_view>
find_identity()
{
    return has_identity_source() ? find(source()) : std::nullopt;
}

}  // namespace crm
