#include "built_in_manifests.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// One array a file: `#embed` cannot stand in a macro. A test compares the list with the folder.

static const unsigned char app_store[] = {
#embed "../../../../connectors/app_store.yaml"
};
static const unsigned char csv[] = {
#embed "../../../../connectors/csv.yaml"
};
static const unsigned char discourse[] = {
#embed "../../../../connectors/discourse.yaml"
};
static const unsigned char github[] = {
#embed "../../../../connectors/github.yaml"
};
static const unsigned char gitlab[] = {
#embed "../../../../connectors/gitlab.yaml"
};
static const unsigned char jsonl[] = {
#embed "../../../../connectors/jsonl.yaml"
};
static const unsigned char signed_webhook[] = {
#embed "../../../../connectors/signed_webhook.yaml"
};
static const unsigned char standard_webhook[] = {
#embed "../../../../connectors/standard_webhook.yaml"
};
static const unsigned char shape_feedback[] = {
#embed "../../../../connectors/shapes/feedback.yaml"
};

static const built_in_file files[] = {
    {"app_store.yaml", app_store, sizeof app_store},
    {"csv.yaml", csv, sizeof csv},
    {"discourse.yaml", discourse, sizeof discourse},
    {"github.yaml", github, sizeof github},
    {"gitlab.yaml", gitlab, sizeof gitlab},
    {"jsonl.yaml", jsonl, sizeof jsonl},
    {"signed_webhook.yaml", signed_webhook, sizeof signed_webhook},
    {"standard_webhook.yaml", standard_webhook, sizeof standard_webhook},
    {"shapes/feedback.yaml", shape_feedback, sizeof shape_feedback},
    {NULL, NULL, 0},
};

const built_in_file *built_in_first_file(void) { return files; }
