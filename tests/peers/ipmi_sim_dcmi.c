/* DCMI Get Power Reading for Debian's ipmi_sim, which has none of its own.
 *
 * Loaded with `loadlib "<this>.so" "<directory>"`. What the controller at IPMB address XX answers is
 * read from <directory>/power.XX each time: watts, state byte, completion code, whether the chassis
 * is on, and how many watts every second reading has more, in decimal. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <OpenIPMI/ipmi_bits.h>
#include <OpenIPMI/msg.h>
#include <OpenIPMI/mcserv.h>

unsigned char is_mc_get_ipmb(lmc_data_t *mc);

static char directory[256];

static unsigned int read_power(lmc_data_t *mc, unsigned int *watts, unsigned int *state,
                               unsigned int *code, unsigned int *step)
{
    unsigned int on = 0;
    char path[300];
    FILE *file;

    snprintf(path, sizeof(path), "%s/power.%02x", directory, is_mc_get_ipmb(mc));
    if ((file = fopen(path, "r"))) {
        if (fscanf(file, "%u %u %u %u %u", watts, state, code, &on, step) != 5) *code = 0xff;
        fclose(file);
    }
    return on;
}

/* ipmi_sim's own Get Chassis Status ends the process where no chassis was given to it. */
static void get_chassis_status(lmc_data_t *mc, msg_t *msg, unsigned char *answer,
                               unsigned int *length, void *unused)
{
    unsigned int watts, state, code, step;

    memset(answer, 0, 4);
    answer[1] = read_power(mc, &watts, &state, &code, &step);
    *length = 4;
}

static void get_power_reading(lmc_data_t *mc, msg_t *msg, unsigned char *answer,
                              unsigned int *length, void *unused)
{
    static unsigned int readings[256];
    unsigned int watts = 0, state = 0, code = 0, step = 0, now = time(NULL), window_ms = 1000;

    if (msg->cmd != 2) { handle_invalid_cmd(mc, answer, length); return; }
    if (check_msg_length(msg, 4, answer, length)) return;
    read_power(mc, &watts, &state, &code, &step);
    watts += step * (readings[is_mc_get_ipmb(mc)]++ % 2);
    memset(answer, 0, 19);
    answer[0] = code;
    *length = 1;
    if (code) return;
    answer[1] = 0xdc;
    answer[2] = watts; answer[3] = watts >> 8;
    answer[4] = watts - 3; answer[5] = (watts - 3) >> 8; /* least */
    answer[6] = watts + 5; answer[7] = (watts + 5) >> 8; /* most */
    answer[8] = watts + 1; answer[9] = (watts + 1) >> 8; /* mean */
    memcpy(answer + 10, &now, 4);
    memcpy(answer + 14, &window_ms, 4);
    answer[18] = state;
    *length = 19;
}

int ipmi_sim_module_print_version(void *sys, const char *options) { return 0; }

int ipmi_sim_module_init(void *sys, const char *options)
{
    snprintf(directory, sizeof(directory), "%s", options);
    ipmi_emu_register_group_extension_handler(0xdc, get_power_reading, NULL);
    return ipmi_emu_register_cmd_handler(0x00, 0x01, get_chassis_status, NULL);
}
