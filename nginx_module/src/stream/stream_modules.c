/* What nginx's own build would generate for --add-dynamic-module. */
#include <ngx_config.h>
#include <ngx_core.h>

extern ngx_module_t ngx_stream_leastwise_module;

ngx_module_t* ngx_modules[] = {&ngx_stream_leastwise_module, NULL};
char* ngx_module_names[] = {(char*)"ngx_stream_leastwise_module", NULL};
char* ngx_module_order[] = {NULL};
