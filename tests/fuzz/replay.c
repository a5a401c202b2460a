/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for libFuzzer's main where there is none: gives the target every file of the folders on
 * the command line, once.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The target gets a block of exactly the file's size, so that ASan sees a byte too far. */
static int replay_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size ? size : 1);
    FILE *file = fopen(path, "rb");
    int result = -1;

    if (data && file && fread(data, 1, size, file) == size) {
        LLVMFuzzerTestOneInput(data, size);
        result = 0;
    }
    if (file) {
        fclose(file);
    }
    free(data);
    return result;
}

static int replay_folder(const char *folder)
{
    struct dirent **names;
    int count = scandir(folder, &names, NULL, alphasort);
    int done = 0;

    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat info;
        int length = snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);

        free(names[i]);
        if (length >= (int)sizeof(path) || stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
            continue;
        }
        if (replay_file(path, (size_t)info.st_size) != 0) {
            fprintf(stderr, "%s: cannot be read\n", path);
            exit(1);
        }
        done++;
    }
    if (count >= 0) {
        free(names);
    }
    printf("%s: %d inputs\n", folder, done);
    return done;
}

int main(int argc, char **argv)
{
    int done = 0;

    for (int i = 1; i < argc; i++) {
        done += replay_folder(argv[i]);
    }
    return done > 0 ? 0 : 1;
}
