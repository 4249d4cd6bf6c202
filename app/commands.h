/* commands.h - one function per subcommand: argv in, exit status out. */
#ifndef SAINT_APP_COMMANDS_H
#define SAINT_APP_COMMANDS_H

int cmd_ui(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_select(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_score(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_data(int argc, char **argv);
int cmd_models(int argc, char **argv);
int cmd_methods(int argc, char **argv);
int cmd_presets(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif
