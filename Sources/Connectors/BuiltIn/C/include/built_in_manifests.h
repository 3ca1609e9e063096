#pragma once

#include <stddef.h>

/// A file of the folder `connectors`, as it was when the binary was built.
typedef struct {
    const char *_Nullable path;
    const unsigned char *_Nullable bytes;
    size_t count;
} built_in_file;

/// The first of all files; the one after the last has no path.
const built_in_file *_Nonnull built_in_first_file(void);
