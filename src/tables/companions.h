#pragma once

#include "attachment.h"
#include "registry.h"

// The tables that belong to a customers table, in the making of its attachment.
namespace crm {

// A table in the making of its attachment.
struct Attachment
{
    const AttachRequest &request;
    Oid extension_schema;
    Oid schema;
    Oid companions_schema;  // of what is created
    Oid owner;
    Members members;  // as far as they exist
    const char *key;
    Sql key_type_sql;
    Oid key_type;
    bool is_customers = false;     // of its schema
    bool has_later_parts = false;  // the registry has columns for them
};

// A statement in which the names of an attachment stand for what they are.
Sql filled_in(const Attachment &attachment, SqlTemplate statement, std::initializer_list<SqlName> more = {});

// Runs such a statement.
void run(const Attachment &attachment, SqlTemplate statement, std::initializer_list<SqlName> more = {});

// The tables that an attachment has already. One that was dropped is missing.
void take_members(Attachment &attachment, const Registered &attached);

// Chooses where missing tables are created: where it is asked, or with those that are there, or with the customers.
void choose_companions_schema(Attachment &attachment);

// Creates the tables that are missing, or takes those that are there.
void require_companions(Attachment &attachment);

}  // namespace crm
