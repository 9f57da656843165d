/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A model from JSON and back. The text is what `nvmetcli save` writes, plus our keys: numbers and
 * booleans may be strings, an unknown key is a warning, a wrong type or value an error.
 *
 * Thread: any.
 * Depends: config/model.h, config/diag.h, jansson.
 */
#ifndef NP_CONFIG_JSON_H
#define NP_CONFIG_JSON_H

#include <stddef.h>

#include "config/diag.h"
#include "config/model.h"

/**
 * np_cfg_parse() - a model from JSON text
 * @text: @len bytes, need not be terminated
 * @diag: receives the error, is told the warnings
 * @ret_cfg: receives the model; the caller frees it
 *
 * Only the single values are judged, np_cfg_check() judges the whole.
 * Return: 0; -EINVAL with diag->error "JSON.path: reason", or "line 3, column 9: reason" when the
 * text is not JSON; -ENOMEM.
 */
int np_cfg_parse(const char *text, size_t len, struct np_cfg_diag *diag, struct np_cfg **ret_cfg);

/**
 * np_cfg_load() - np_cfg_parse() of the file @path
 *
 * Context: blocks on file I/O. The message does not repeat @path.
 * Return: as np_cfg_parse(); the errno of opening and reading; -EFBIG above 16 MiB.
 */
int np_cfg_load(const char *path, struct np_cfg_diag *diag, struct np_cfg **ret_cfg);

/**
 * np_cfg_dump() - JSON text of a model
 * @ret_text: receives the text, ends with a newline; the caller frees it
 *
 * Parsing the text gives an equal model. Strings of @cfg must be UTF-8, as parsed ones are.
 * Return: 0; -ENOMEM.
 */
int np_cfg_dump(const struct np_cfg *cfg, char **ret_text);

#endif
