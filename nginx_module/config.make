# Sourced by nginx's configure when it has written its Makefile: rules for what config asks for.
case $NGX_OBJS in
    /*) leastwise_objs=$NGX_OBJS ;;
    *) leastwise_objs=$PWD/$NGX_OBJS ;;
esac
# As auto/install does it later.
case $NGX_MODULES_PATH in
    /*) leastwise_modules_path=$NGX_MODULES_PATH ;;
    *) leastwise_modules_path=$NGX_PREFIX/$NGX_MODULES_PATH ;;
esac
leastwise_build=$leastwise_objs/leastwise

cat << END >> $NGX_MAKEFILE

leastwise_configured:	$NGX_AUTO_CONFIG_H
	cmake -G "Unix Makefiles" -S "$ngx_addon_dir/.." -B "$leastwise_build" \\
		-DCMAKE_BUILD_TYPE=RelWithDebInfo \\
		-DNGINX_SOURCE_DIR="$PWD" -DNGINX_OBJS_DIR="$leastwise_objs" \\
		-DLEASTWISE_BUILD_SPOE_AGENT=OFF -DLEASTWISE_BUILD_TESTS=OFF

.PHONY:	leastwise_configured
END

# Both modules are made of the same libraries in one folder: one after the other, also with -j, which
# the inner make is given by $(MAKE).
leastwise_before=leastwise_configured
for leastwise_kind in $leastwise_kinds; do
    leastwise_module=ngx_${leastwise_kind}_leastwise_module
    case " $DYNAMIC_ADDONS " in
    *" $ngx_addon_dir "*)
        cat << END >> $NGX_MAKEFILE

modules:	$leastwise_module
install:	install_$leastwise_module

$leastwise_module:	$leastwise_before
	\$(MAKE) -C "$leastwise_build" $leastwise_module
	cp "$leastwise_build/nginx_module/$leastwise_module.so" $NGX_OBJS/

install_$leastwise_module:	$leastwise_module
	mkdir -p '\$(DESTDIR)$leastwise_modules_path'
	test ! -f '\$(DESTDIR)$leastwise_modules_path/$leastwise_module.so' \\
		|| mv '\$(DESTDIR)$leastwise_modules_path/$leastwise_module.so' \\
			'\$(DESTDIR)$leastwise_modules_path/$leastwise_module.so.old'
	cp $NGX_OBJS/$leastwise_module.so '\$(DESTDIR)$leastwise_modules_path/'

.PHONY:	$leastwise_module install_$leastwise_module
END
        leastwise_before=$leastwise_module
        ;;
    *)
        # nginx links it, so it is the file that the rule is of.
        cat << END >> $NGX_MAKEFILE

$NGX_OBJS/leastwise/nginx_module/$leastwise_module.o:	$leastwise_before
	\$(MAKE) -C "$leastwise_build" ${leastwise_module}_object
END
        leastwise_before=$NGX_OBJS/leastwise/nginx_module/$leastwise_module.o
        ;;
    esac
done
