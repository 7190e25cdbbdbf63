# Sourced by nginx's configure when it has written its Makefile.
cat << END >> $NGX_MAKEFILE

modules:	ngx_http_leastwise_module

ngx_http_leastwise_module:	$NGX_AUTO_CONFIG_H
	cmake -S $ngx_addon_dir/.. -B $PWD/$NGX_OBJS/leastwise -DCMAKE_BUILD_TYPE=RelWithDebInfo \\
		-DNGINX_SOURCE_DIR=$PWD -DNGINX_OBJS_DIR=$PWD/$NGX_OBJS \\
		-DLEASTWISE_BUILD_SPOE_AGENT=OFF -DLEASTWISE_BUILD_TESTS=OFF
	cmake --build $PWD/$NGX_OBJS/leastwise --target ngx_http_leastwise_module
	cp $PWD/$NGX_OBJS/leastwise/nginx_module/ngx_http_leastwise_module.so $NGX_OBJS/

.PHONY:	ngx_http_leastwise_module
END
