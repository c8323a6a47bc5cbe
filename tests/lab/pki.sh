# shellcheck shell=bash
# pki.sh: certificates of the lab, in $LAB/pki; see lab.sh.

lab_openssl()
{
	openssl "$@" 2>"$LAB/pki/openssl.err" && return
	cat "$LAB/pki/openssl.err" >&2
	return 1
}

# lab_ca NAME		a certificate authority, $LAB/pki/NAME.pem
lab_ca()
{
	local p=$LAB/pki/$1

	lab_openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-nodes -days 3650 -keyout "$p.key" -out "$p.pem" \
		-subj "/O=Lab $1/CN=Lab $1" \
		-addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign,cRLSign
}

# lab_cert NAME [cn=NAME] [san=NAME,NAME] [ca=CA|self] [key=CERT]
#	[from=YYYYMMDD] [to=YYYYMMDD] [eku=PURPOSE,PURPOSE]
#			a server certificate, $LAB/pki/NAME.pem with its key;
#			san is cn unless given, san= leaves it out, cn= has no
#			common name; key= takes the key of an earlier one
lab_cert()
{
	local cn=$1.lab.example san=- ca=ca key='' from to a
	local eku=serverAuth,clientAuth subject
	local p=$LAB/pki/$1 signer

	from=$(date -d '-1 day' +%Y%m%d)
	to=$(date -d '+30 days' +%Y%m%d)
	shift
	for a; do
		case $a in
		cn=*) cn=${a#*=} ;;
		san=*) san=${a#*=} ;;
		ca=*) ca=${a#*=} ;;
		key=*) key=${a#*=} ;;
		from=*) from=${a#*=} ;;
		to=*) to=${a#*=} ;;
		eku=*) eku=${a#*=} ;;
		*) echo "lab_cert: $a?" >&2; return 1 ;;
		esac
	done
	[ "$san" != - ] || san=$cn
	if [ -n "$key" ]; then
		cp "$LAB/pki/$key.key" "$p.key" || return
	else
		lab_openssl genpkey -algorithm EC \
			-pkeyopt ec_paramgen_curve:P-256 -out "$p.key" || return
	fi
	subject=/CN=$cn
	[ -n "$cn" ] || subject='/O=Lab without a name'
	lab_openssl req -new -key "$p.key" -out "$p.csr" -subj "$subject" ||
		return
	signer=(-cert "$LAB/pki/$ca.pem" -keyfile "$LAB/pki/$ca.key")
	[ "$ca" != self ] || signer=(-selfsign -keyfile "$p.key")
	: >"$p.index"
	# `openssl ca` alone can set the dates freely.
	cat >"$p.cnf" <<-CNF
	[ca]
	default_ca = lab
	[lab]
	database = $p.index
	new_certs_dir = $LAB/pki
	rand_serial = yes
	default_md = sha256
	policy = any
	x509_extensions = leaf
	[any]
	commonName = optional
	organizationName = optional
	[leaf]
	extendedKeyUsage = $eku
	${san:+subjectAltName = DNS:${san//,/,DNS:}}
	CNF
	lab_openssl ca -batch -notext -config "$p.cnf" "${signer[@]}" \
		-startdate "${from}000000Z" -enddate "${to}000000Z" \
		-in "$p.csr" -out "$p.crt" || return
	cat "$p.key" "$p.crt" >"$p.pem"
	chmod 600 "$p.key" "$p.pem"
}

# lab_pin CERT		sha256 of its public key, as Postfix compares it
lab_pin()
{
	openssl pkey -in "$LAB/pki/$1.key" -pubout -outform DER |
		openssl dgst -sha256 -c | sed 's/.*= *//' | tr a-f A-F
}
