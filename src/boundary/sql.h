#pragma once

#include "pg.h"

// SQL text. It is made of templates, which are literals of the source, and of names and values that are quoted for their
// places: no text of a catalogue, an argument or a table is ever looked through for names in braces.
namespace crm {

// A statement, or a part of one, in which names in braces stand for others. See core::fill().
class SqlTemplate
{
public:
    // Only a literal is a constant of the compiler's.
    consteval SqlTemplate(const char *literal) : statement(literal) {}
    constexpr std::string_view text() const { return statement; }

private:
    std::string_view statement;
};

// Finished SQL text, which only the functions below make.
class Sql
{
public:
    Sql() = default;
    const char *text() const { return finished; }
    bool operator==(const Sql &other) const { return std::strcmp(finished, other.finished) == 0; }

    friend Sql sql_of(const char *finished);

private:
    explicit Sql(const char *text) : finished(text) {}

    const char *finished = "";
};

// What a name of a template stands for.
struct SqlName
{
    std::string_view name;
    Sql value;
};

// A template with its names filled in; each of them must be given.
Sql sql(SqlTemplate statement, std::span<const SqlName> names);
Sql sql(SqlTemplate statement, std::initializer_list<SqlName> names = {});

// A name as an identifier.
Sql sql_identifier(const char *name);

// A relation of a schema, both as identifiers; and one by its OID: raises 55000 where there is none.
Sql sql_qualified(Oid schema, const char *relation);
Sql sql_relation(Oid relation);

// The name of a schema as an identifier; raises 55000 where there is none.
Sql sql_schema(Oid schema);

// A type, qualified.
Sql sql_type(Oid type, std::int32_t typmod = -1);

// A collation, qualified; raises 55000 where there is none.
Sql sql_collation(Oid collation);

// A text as a literal.
Sql sql_literal(const char *text);

// A parameter of a statement: $1, $2, ...
Sql sql_parameter(int number);

// Parts with a separator between them.
Sql sql_joined(SqlTemplate separator, std::span<const Sql> parts);

// A copy in another memory context.
Sql copied(const Sql &text, MemoryContext context);

}  // namespace crm
