/*
 * For tests: a worker that dies while it holds nginx's locks on the servers of an upstream, as
 * nginx's own methods hold them for an instant with each request.
 *
 *   location /die { die_holding_locks_of UPSTREAM; }
 */
#include <ngx_config.h> /* first: it says which interfaces of the system are to be seen */
#include <ngx_core.h>
#include <ngx_http.h>

#include <signal.h>

static char *set_die(ngx_conf_t *cf, ngx_command_t *command, void *conf);
static void *create_conf(ngx_conf_t *cf);

typedef struct {
    ngx_str_t  upstream;
} die_conf_t;

static ngx_command_t commands[] = {
    { ngx_string("die_holding_locks_of"), NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1, set_die,
      NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },
    ngx_null_command
};

static ngx_http_module_t context = { NULL, NULL, NULL, NULL, NULL, NULL, create_conf, NULL };

ngx_module_t ngx_http_die_module = {
    NGX_MODULE_V1, &context, commands, NGX_HTTP_MODULE, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};

ngx_module_t *ngx_modules[] = { &ngx_http_die_module, NULL };
char *ngx_module_names[] = { (char *) "ngx_http_die_module", NULL };
char *ngx_module_order[] = { NULL };


static void *
create_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(die_conf_t));
}


static ngx_int_t
die(ngx_http_request_t *r)
{
    ngx_uint_t                       i;
    die_conf_t                      *conf;
    ngx_http_upstream_rr_peer_t     *peer;
    ngx_http_upstream_rr_peers_t    *peers;
    ngx_http_upstream_srv_conf_t   **upstreams;
    ngx_http_upstream_main_conf_t   *main_conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_die_module);
    main_conf = ngx_http_get_module_main_conf(r, ngx_http_upstream_module);
    upstreams = main_conf->upstreams.elts;

    for (i = 0; i < main_conf->upstreams.nelts; i++) {
        if (upstreams[i]->host.len != conf->upstream.len
            || ngx_strncmp(upstreams[i]->host.data, conf->upstream.data, conf->upstream.len) != 0)
        {
            continue;
        }

        for (peers = upstreams[i]->peer.data; peers != NULL; peers = peers->next) {
            ngx_http_upstream_rr_peers_rlock(peers);

            for (peer = peers->peer; peer != NULL; peer = peer->next) {
                ngx_http_upstream_rr_peer_lock(peers, peer);
            }
        }

        kill(getpid(), SIGKILL);
    }

    return NGX_HTTP_NOT_FOUND;
}


static char *
set_die(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_str_t                 *words = cf->args->elts;
    die_conf_t                *die_conf = conf;
    ngx_http_core_loc_conf_t  *core;

    die_conf->upstream = words[1];
    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    core->handler = die;

    return NGX_CONF_OK;
}
