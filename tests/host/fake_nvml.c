/* A libnvidia-ml.so.1 for tests: every value and error comes from the text file named by FAKE_NVML, read again at each
 * call. A line is "key value"; "key!" gives the NVML error number to answer instead, e.g. "gpu0.power! 3".
 * Handles: GPU n is n + 1; slice m of GPU n is 0x100 + 0x10 * n + m. nvmlDeviceGetMaxClockInfo and
 * nvmlDeviceGetGraphicsRunningProcesses are left out on purpose: an old library lacks a function, or its newest version. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int nvmlReturn_t;
typedef void *nvmlDevice_t;
enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };

static int lookup(const char *key, char *value, size_t size) {
    const char *path = getenv("FAKE_NVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[512], name[256], text[256];
    int found = 0;
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%255s %255[^\n]", name, text) == 2 && strcmp(name, key) == 0) {
            snprintf(value, size, "%s", text);
            found = 1;
        }
    fclose(file);
    return found;
}

static long long number(const char *key, long long fallback) {
    char value[256];
    return lookup(key, value, sizeof value) ? atoll(value) : fallback;
}

/* The name of the device and one of its values: "gpu0.power", "gpu0.mig1.uuid". */
static void name_of(nvmlDevice_t device, const char *what, char *key, size_t size) {
    uintptr_t handle = (uintptr_t)device;
    if (handle >= 0x100)
        snprintf(key, size, "gpu%d.mig%d.%s", (int)((handle - 0x100) >> 4), (int)(handle & 0xf), what);
    else
        snprintf(key, size, "gpu%d.%s", (int)handle - 1, what);
}

/* The scripted error of a value, or NOT_SUPPORTED where the script has no such value. */
static nvmlReturn_t get(nvmlDevice_t device, const char *what, char *value, size_t size) {
    char key[128], error[130];
    name_of(device, what, key, sizeof key);
    snprintf(error, sizeof error, "%s!", key);
    long long code = number(error, 0);
    if (code) return (nvmlReturn_t)code;
    return lookup(key, value, size) ? SUCCESS : NOT_SUPPORTED;
}

static nvmlReturn_t get_unsigned(nvmlDevice_t device, const char *what, unsigned *out) {
    char value[256];
    nvmlReturn_t result = get(device, what, value, sizeof value);
    if (result == SUCCESS) *out = (unsigned)strtoul(value, NULL, 10);
    return result;
}

nvmlReturn_t nvmlInitWithFlags(unsigned flags) { (void)flags; return (nvmlReturn_t)number("init!", 0); }
nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
nvmlReturn_t nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(nvmlReturn_t result) { (void)result; return "scripted error"; }

nvmlReturn_t nvmlSystemGetDriverVersion(char *out, unsigned size) {
    snprintf(out, size, "999.01");
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *out) {
    *out = (unsigned)number("count", 0);
    return (nvmlReturn_t)number("count!", 0);
}
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *out) {
    char key[64];
    snprintf(key, sizeof key, "gpu%u!", index);
    *out = (nvmlDevice_t)(uintptr_t)(index + 1);
    return (nvmlReturn_t)number(key, 0);
}
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *out, unsigned size) { return get(device, "uuid", out, size); }
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *out, unsigned size) { return get(device, "name", out, size); }

struct utilization { unsigned gpu, memory; };
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, struct utilization *out) {
    out->memory = 0;
    get_unsigned(device, "memory_busy", &out->memory);
    return get_unsigned(device, "utilization", &out->gpu);
}
struct memory { unsigned long long total, free, used; };
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, struct memory *out) {
    char value[256];
    nvmlReturn_t result = get(device, "memory", value, sizeof value);
    if (result == SUCCESS && sscanf(value, "%llu %llu", &out->used, &out->total) == 2) out->free = out->total - out->used;
    return result;
}
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned *out) { return get_unsigned(device, "power", out); }
nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned *out) {
    return get_unsigned(device, "power_limit", out);
}
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *out) {
    char value[256];
    nvmlReturn_t result = get(device, "energy", value, sizeof value);
    if (result == SUCCESS) *out = strtoull(value, NULL, 10);
    return result;
}
nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, int type, unsigned *out) {
    return type == 1 ? get_unsigned(device, "sm_clock", out) : INVALID_ARGUMENT;
}
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned *out) {
    return sensor == 0 ? get_unsigned(device, "temperature", out) : INVALID_ARGUMENT;
}
nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, int counter, unsigned *out) {
    return get_unsigned(device, counter ? "pcie_rx" : "pcie_tx", out);
}

struct process { unsigned pid; unsigned long long used; unsigned instance, compute; };
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count, struct process *out) {
    char value[256], *at = value;
    nvmlReturn_t result = get(device, "process", value, sizeof value); /* "pid bytes pid bytes ..." */
    unsigned room = *count;
    int read;
    *count = 0;
    if (result != SUCCESS) return result == NOT_SUPPORTED ? SUCCESS : result;
    for (struct process one = {0, 0, 0, 0}; sscanf(at, "%u %llu%n", &one.pid, &one.used, &read) == 2; at += read)
        if ((*count)++ < room && out) out[*count - 1] = one;
    return *count > room || !out ? INSUFFICIENT_SIZE : SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending) {
    nvmlReturn_t result = get_unsigned(device, "mig", current);
    *pending = *current;
    return result;
}
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *out) {
    (void)device;
    *out = 7;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index, nvmlDevice_t *out) {
    char value[256];
    *out = (nvmlDevice_t)(0x100 + (((uintptr_t)device - 1) << 4) + index);
    return get(*out, "uuid", value, sizeof value) == SUCCESS ? SUCCESS : NOT_FOUND;
}
