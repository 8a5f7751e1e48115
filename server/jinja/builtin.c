/* Finds filters, tests, methods and global functions by name. Thread: any. Owner: static tables. */
#include "builtin.h"

#include <string.h>

static const struct jbuiltin *find(const struct jbuiltin *const *tables, const struct jstring *name)
{
    for (; *tables != NULL; tables++) {
        for (const struct jbuiltin *row = *tables; row->name != NULL; row++) {
            if (name->count != 0 && row->name[0] == name->bytes[0] && jstring_is(name, row->name))
                return row;
        }
    }
    return NULL;
}

const struct jbuiltin *jfilter_find(const struct jstring *name)
{
    static const struct jbuiltin *const tables[] = {jfilters_text,   jfilters_sequence, jfilters_select, jfilters_order,
                                                    jfilters_number, jfilters_markup,   jfilters_wrap,
                                                    jfilters_pretty, jfilters_urlize, NULL};

    return find(tables, name);
}

/* Tests have names such as "==" too, for select() and its kin. */
const struct jbuiltin *jtest_find(const struct jstring *name)
{
    static const struct jbuiltin *const tables[] = {jtests, NULL};

    return find(tables, name);
}

const struct jbuiltin *jglobal_find(const struct jstring *name)
{
    static const struct jbuiltin *const tables[] = {jglobals, NULL};

    return find(tables, name);
}

const struct jbuiltin *jmethod_find(struct jvalue object, const struct jstring *name)
{
    static const struct jbuiltin *const string[] = {jmethods_string, jmethods_string_test, NULL};
    static const struct jbuiltin *const list[] = {jmethods_list, NULL}, *const tuple[] = {jmethods_tuple, NULL},
                                               *const dict[] = {jmethods_dict, NULL},
                                               *const range[] = {jmethods_range, NULL},
                                               *const loop[] = {jmethods_loop, NULL},
                                               *const cycler[] = {jmethods_cycler, NULL},
                                               *const integer[] = {jmethods_int, NULL},
                                               *const real[] = {jmethods_float, NULL},
                                               *const dict_type[] = {jmethods_dict_type, NULL};
    static const struct jbuiltin *const *const tables[J_JOINER + 1] = {
        [J_STRING] = string, [J_LIST] = list,   [J_TUPLE] = tuple, [J_GROUP] = tuple,
        [J_DICT] = dict,     [J_RANGE] = range, [J_LOOP] = loop,   [J_CYCLER] = cycler,
        [J_BOOL] = integer,  [J_INT] = integer, [J_FLOAT] = real,
    };

    if (object.kind == J_FUNCTION && object.as.function->builtin == jglobal_dict)
        return find(dict_type, name);
    return tables[object.kind] != NULL ? find(tables[object.kind], name) : NULL;
}
