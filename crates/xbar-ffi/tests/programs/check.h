// What the programs of the tests share: checks that end the program, words to and from the test, bytes that tell their number.
#ifndef CHECK_H
#define CHECK_H

#include "xbar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                                     \
    do {                                                                                                \
        if (!(what)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, xbar_last_error());             \
            exit(1);                                                                                    \
        }                                                                                               \
    } while (0)

#define OK(call) CHECK((call) == XBAR_OK)

// A call that fails as expected, with one line of lower case that has `word` in it.
#define FAILS(call, expected, word)                                                                     \
    do {                                                                                                \
        const xbar_result result_ = (call);                                                             \
        const char *text_ = xbar_last_error();                                                          \
        if (result_ != (expected) || strstr(text_, (word)) == NULL || strchr(text_, '\n') != NULL ||    \
            (text_[0] >= 'A' && text_[0] <= 'Z' && strstr(text_, " is NULL") == NULL)) {                \
            fprintf(stderr, "%s:%d: %s: %d: %s\n", __FILE__, __LINE__, #call, (int)result_, text_);       \
            exit(1);                                                                                    \
        }                                                                                               \
    } while (0)

// Lengths around every limit: as LENGTHS of tests/support.
#define LENGTH_COUNT 9
static const size_t LENGTHS[LENGTH_COUNT] = {0, 1, 40, 41, 48, 49, 64, 1000, 4096};

static inline void fill(void *data, uint64_t number, size_t len) {
    for (size_t place = 0; place < len; place++) {
        ((unsigned char *)data)[place] = (unsigned char)(number * 31 + len + place * 7);
    }
}

static inline bool is_filled(const void *data, uint64_t number, size_t len) {
    for (size_t place = 0; place < len; place++) {
        if (((const unsigned char *)data)[place] != (unsigned char)(number * 31 + len + place * 7)) {
            return false;
        }
    }
    return true;
}

static inline void tell(const char *word) {
    printf("%s\n", word);
    fflush(stdout);
}

static inline void hear(const char *word) {
    char line[64] = {0};
    CHECK(fgets(line, sizeof line, stdin) != NULL);
    line[strcspn(line, "\n")] = '\0';
    CHECK(strcmp(line, word) == 0);
}

#endif
